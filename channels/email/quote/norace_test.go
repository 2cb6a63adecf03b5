//go:build !race

package quote

// slack is how many times slower the race detector may make things: it is off.
const slack = 1
