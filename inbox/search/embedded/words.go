package embedded

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/text"
	"github.com/parley-hub/parley/internal/store/sqlfile"
)

// words is the vocabulary of a kind: every word, and about how often it is there. From it come
// the words that a beginning may become, and the ones that a misspelt word may have meant. How often is
// a figure for choosing, saved now and then: a crash loses a little of it, never a word.
type words struct {
	upsert, one, more, drop, sub string

	known   map[string]struct{} // words that are in the table; of the writer
	pending map[string]int64    // not yet counted in the table; of the writer
	fresh   map[string]struct{} // not yet in the table; of the writer
	docs    int                 // since the last saving

	mu    sync.Mutex
	begun map[string]beginning // what short beginnings become, for a while
}

type beginning struct {
	words []string
	at    time.Time
}

const (
	maxKnown  = 100000
	saveAfter = 4096 // documents
	maxBegun  = 64   // how many words a beginning may become
	begunFor  = 5 * time.Second
	minWord   = 2
	maxWord   = 32 // runes
)

func newWords(k search.Kind) *words {
	f := func(s string) string { return strings.ReplaceAll(s, "$", string(k)) }
	return &words{known: map[string]struct{}{}, pending: map[string]int64{}, fresh: map[string]struct{}{}, begun: map[string]beginning{},
		upsert: f(`INSERT INTO word_$ (word, n) VALUES (?, ?) ON CONFLICT (word) DO UPDATE SET n = n + excluded.n`),
		one:    f(`SELECT n FROM word_$ WHERE word = ?`),
		more:   f(fmt.Sprintf(`SELECT word FROM word_$ WHERE word >= ? AND word < ? ORDER BY n DESC LIMIT %d`, maxBegun)),
		drop:   f(`DELETE FROM word_$ WHERE word = ?`),
		sub:    f(`UPDATE word_$ SET n = max(n - 1, 1) WHERE word = ?`),
	}
}

// wordy reports whether a term is a word: letters, not too short and not too long.
func wordy(term string) bool {
	if len(term) < minWord || term[0] >= '0' && term[0] <= '9' {
		return false
	}
	if n := utf8.RuneCountInString(term); n < minWord || n > maxWord {
		return false
	}
	ts := text.Tokens(term)
	return len(ts) == 1 && ts[0].Kind == text.Word
}

// each calls f with every different word of a document.
func each(body, extra string, f func(string)) {
	seen := map[string]struct{}{}
	for _, s := range []string{body, extra} {
		for term := range strings.SplitSeq(s, " ") {
			if _, twice := seen[term]; twice || !letters(term) {
				continue
			}
			seen[term] = struct{}{}
			f(term)
		}
	}
}

// letters is wordy for most words, and quick.
func letters(term string) bool {
	for i := range len(term) {
		if c := term[i]; c >= utf8.RuneSelf {
			return wordy(term)
		} else if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(term) >= minWord && len(term) <= maxWord
}

// add counts a document's words.
func (w *words) add(body, extra string) {
	w.docs++
	each(body, extra, func(term string) {
		w.pending[term]++
		if _, ok := w.known[term]; !ok {
			w.fresh[term] = struct{}{}
		}
	})
}

// removed forgets words that are in no document any more.
func (w *words) removed(c *sqlfile.Conn, k *kind, body, extra string) (err error) {
	each(body, extra, func(term string) {
		if err != nil {
			return
		}
		var left bool
		if _, left, err = c.Int(k.hasWord, `{body extra} : `+quote(term)); err != nil {
			return
		}
		if left {
			_, err = c.Exec(w.sub, term)
			return
		}
		delete(w.pending, term)
		delete(w.fresh, term)
		delete(w.known, term)
		_, err = c.Exec(w.drop, term)
	})
	return err
}

// save writes new words at once, and the counts of the others now and then.
func (w *words) save(c *sqlfile.Conn) error {
	all := w.docs >= saveAfter
	if len(w.known)+len(w.fresh) > maxKnown {
		clear(w.known)
	}
	for term := range w.fresh {
		if _, err := c.Exec(w.upsert, term, max(w.pending[term], 1)); err != nil {
			return err
		}
		delete(w.pending, term)
		w.known[term] = struct{}{}
	}
	clear(w.fresh)
	if !all {
		return nil
	}
	for term, n := range w.pending {
		if _, err := c.Exec(w.upsert, term, n); err != nil {
			return err
		}
	}
	clear(w.pending)
	w.docs = 0
	return nil
}

func (w *words) forget() {
	clear(w.known)
	clear(w.pending)
	clear(w.fresh)
	w.docs = 0
}

// becomes is the words that begin so, the most frequent first. For a word of a few letters
// they are remembered a moment.
func (w *words) becomes(ctx context.Context, c *sqlfile.Conn, prefix string) ([]string, error) {
	short := len(prefix) < 4
	if short {
		w.mu.Lock()
		b, ok := w.begun[prefix]
		w.mu.Unlock()
		if ok && time.Since(b.at) < begunFor {
			return b.words, nil
		}
	}
	var out []string
	err := c.Each(ctx, w.more, 1, func(row []driver.Value) bool {
		out = append(out, word(row[0]))
		return true
	}, prefix, prefix+"\U0010ffff")
	if err != nil {
		return nil, err
	}
	if short {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.begun) > 1000 {
			clear(w.begun)
		}
		w.begun[prefix] = beginning{out, time.Now()}
	}
	return out, nil
}

// The limits of other spellings.
const (
	maxMeant = 16
	rare     = 20 // a word that is there more often is meant as it is
	clearly  = 10 // how much more often the other spelling must be there
)

// meant is the other spellings that a word may stand for: all known ones where the word is not known,
// and those that are far more frequent where it is rare.
func (w *words) meant(ctx context.Context, c *sqlfile.Conn, term string) ([]string, error) {
	n, _, err := c.Int(w.one, term)
	if err != nil || n > rare {
		return nil, err
	}
	var out []string
	for _, s := range text.Spellings(term) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m, ok, err := c.Int(w.one, s)
		if err != nil {
			return nil, err
		}
		if ok && m >= n*clearly {
			out = append(out, s)
		}
		if len(out) >= maxMeant {
			break
		}
	}
	return out, nil
}
