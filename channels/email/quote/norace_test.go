//go:build !race

package quote

// slack is how many times slower the race detector may make things: it is off.
const slack = 1

// waste is for the race detector.
const waste = 1
