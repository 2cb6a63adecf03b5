// Command typescript writes the API's types for the agent app, from the same declarations
// the server is built of:
//
//	go run ./web/api/typescript -out web/app/src/api/types.gen.ts
//	go run ./web/api/typescript -out web/app/src/api/types.gen.ts -check
//
// With -check it writes nothing and fails where the file is not up to date.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/web/api"
)

func main() {
	out := flag.String("out", "web/app/src/api/types.gen.ts", "the file to write; - for standard output")
	check := flag.Bool("check", false, "only check that the file is up to date")
	flag.Parse()
	if err := run(*out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "typescript:", err)
		os.Exit(1)
	}
}

func run(out string, check bool) error {
	text, err := current()
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := os.Stdout.Write(text)
		return err
	}
	if !check {
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			return fmt.Errorf("making the folder: %w", err)
		}
		return os.WriteFile(out, text, 0o644)
	}
	have, err := os.ReadFile(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the file: %w", err)
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is not up to date: go run ./web/api/typescript -out %s", out, out)
	}
	return nil
}

// current is the types of the API as it is.
func current() ([]byte, error) {
	s := api.New(api.Deps{})
	s.Mount(fiber.New(api.FiberConfig(1)))
	return Generate(s.OpenAPI())
}
