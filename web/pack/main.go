// Command pack gathers what the front ends built into web/dist and compresses it once, so
// that the server never compresses while it serves: beside each text file stand its .br
// and .gz forms, where they are smaller.
//
//	go run ./web/pack
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"
)

// sources are folders of built files and where they go below web/dist.
var sources = []struct{ from, to string }{
	{"web/app/dist", "app"},
	{"web/widget/dist", "widget"},
	{"web/demo", "demo"},
}

// texts are the endings worth compressing.
var texts = map[string]bool{".js": true, ".css": true, ".html": true, ".svg": true, ".json": true, ".webmanifest": true, ".map": true, ".txt": true}

func main() {
	if err := run("web/dist"); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(dist string) error {
	for _, s := range sources {
		to := filepath.Join(dist, s.to)
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		n, err := gather(s.from, to)
		if err != nil {
			return err
		}
		fmt.Printf("packed %-16s %d files\n", s.from, n)
	}
	return nil
}

// gather copies a folder's files, leaving out what only its makers need.
func gather(from, to string) (n int, err error) {
	err = filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(p, ".go") || strings.HasSuffix(p, ".md") {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		n++
		return put(p, filepath.Join(to, rel))
	})
	return n, err
}

func put(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		return err
	}
	if !texts[filepath.Ext(to)] || len(b) < 512 {
		return nil
	}
	if err := compressed(to+".br", b, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotli.BestCompression) }); err != nil {
		return err
	}
	return compressed(to+".gz", b, func(w io.Writer) io.WriteCloser {
		z, _ := gzip.NewWriterLevel(w, gzip.BestCompression) // the level is a constant in range
		return z
	})
}

// compressed writes b compressed, unless that would not be smaller.
func compressed(path string, b []byte, writer func(io.Writer) io.WriteCloser) error {
	var buf bytes.Buffer
	w := writer(&buf)
	if _, err := w.Write(b); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if buf.Len() >= len(b) {
		return nil
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
