//go:build race

package bus

// slow is how much longer things may take: the race detector is on.
const slow = 4
