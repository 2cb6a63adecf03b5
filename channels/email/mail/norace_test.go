//go:build !race

package mail_test

const slower = 1
