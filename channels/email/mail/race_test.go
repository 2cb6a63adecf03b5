//go:build race

package mail_test

// slower is how much slower the race detector makes everything.
const slower = 10
