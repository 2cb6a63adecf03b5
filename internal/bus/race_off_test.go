//go:build !race

package bus

// slow is how much longer things may take.
const slow = 1
