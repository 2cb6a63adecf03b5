// Command parleyfixtures runs real-world bodies, mails and replies through the adapters and
// says how many were read as they should be. `make fixtures` calls it. The last line is JSON
// for programs; everything before it lists what was not right.
//
//	parleyfixtures [-dir DIR] [-strict]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parley-hub/parley/channels/email/mail/mailfixtures"
	"github.com/parley-hub/parley/channels/email/quote/quotefixtures"
	"github.com/parley-hub/parley/channels/instagram/igfixtures"
)

// What is held; -strict fails below it.
const (
	leastFields  = 0.98 // share of the fields of expected parses
	leastReplies = 85   // of 90 visible texts
)

// figures is the last line.
type figures struct {
	InstagramVisible int     `json:"instagram_visible"` // bodies with at least one visible event
	InstagramDropped int     `json:"instagram_dropped"` // things in bodies that became no event
	EmailFields      float64 `json:"email_fields"`      // share of expected fields matched
	RepliesRight     int     `json:"replies_right"`     // visible texts as expected
}

func main() {
	dir := flag.String("dir", "", "the fixtures; empty: PARLEY_FIXTURES, or shared/fixtures beside the repository")
	strict := flag.Bool("strict", false, "fail below what is held")
	flag.Parse()
	if err := run(*dir, *strict, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "parleyfixtures:", err)
		os.Exit(1)
	}
}

func run(dir string, strict bool, out io.Writer) error {
	dir, err := find(dir)
	if err != nil {
		return err
	}
	var f figures
	if f.InstagramVisible, f.InstagramDropped, err = igfixtures.Fixtures(filepath.Join(dir, "instagram")); err != nil {
		return fmt.Errorf("callbacks: %w", err)
	}
	matched, total, misses, err := mailfixtures.Stalwart(filepath.Join(dir, "email", "stalwart-mail-parser"))
	if err != nil {
		return fmt.Errorf("mails: %w", err)
	}
	f.EmailFields = float64(matched) / float64(max(total, 1))
	list(out, fmt.Sprintf("mails: %d of %d expected fields", matched, total), misses)
	right, of, misses, err := quotefixtures.Crisp(filepath.Join(dir, "reply", "crisp"))
	if err != nil {
		return fmt.Errorf("replies: %w", err)
	}
	f.RepliesRight = right
	list(out, fmt.Sprintf("replies: %d of %d visible texts", right, of), misses)
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	fmt.Fprintf(out, "%s\n", b)
	if strict && (f.InstagramDropped > 0 || f.EmailFields < leastFields || f.RepliesRight < leastReplies) {
		return errors.New("fewer are right than is held")
	}
	return nil
}

func list(out io.Writer, title string, misses []string) {
	fmt.Fprintln(out, title)
	for _, m := range misses {
		fmt.Fprintln(out, "  not as expected:", m)
	}
}

// find is where the fixtures are.
func find(dir string) (string, error) {
	if dir == "" {
		dir = os.Getenv("PARLEY_FIXTURES")
	}
	if dir != "" {
		return dir, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the fixtures: %w", err)
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		d := filepath.Join(at, "shared", "fixtures")
		if _, err := os.Stat(d); err == nil {
			return d, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("finding the fixtures: %w", err)
		}
	}
	return "", errors.New("the fixtures are not here; name their folder with -dir or PARLEY_FIXTURES")
}
