package bus

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the crash tests' child, or the tests and then looks for goroutines left behind.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}
