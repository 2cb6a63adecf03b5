//go:build race

package quote

// slack is how many times slower the race detector may make things.
const slack = 15

// waste is how many times more is allocated under the race detector, which empties pools at random.
const waste = 3
