//go:build !linux

package bus

import "os"

// fdatasync flushes a file.
func fdatasync(f *os.File) error { return f.Sync() }

// lock is only known on Linux.
func lock(*os.File) error { return nil }
