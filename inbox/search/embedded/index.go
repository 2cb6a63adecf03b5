package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/text"
	"github.com/parley-hub/parley/internal/store/sqlfile"
	"github.com/parley-hub/parley/timeline"
)

// index is one file. Writing is for one goroutine at a time, which the file sees to.
type index struct {
	file  *sqlfile.File
	kinds map[search.Kind]*kind
	convs map[timeline.ConversationID]*conv // recently written; guarded by the file's writer
	accts map[timeline.AccountID]int64
}

// kind is the tables of a kind of document, by the statements on them.
type kind struct {
	name    search.Kind
	words   *words
	byHash  string
	row     string
	insert  string
	update  string
	remove  string
	text    string
	retext  string
	untext  string
	put     string
	del     string
	ofConv  string
	hasWord string
	merge   string
}

// conv is what writing a document needs of its conversation.
type conv struct {
	ord, rev, erased int64
	says             string // what was written of it last; empty: not known
}

// timeShift leaves room for 64 documents of one millisecond. Of more, such as an import without
// finer times, some are put a little later, in steps that grow: a thousand of one moment spread
// over some milliseconds.
const timeShift = 6

var kindName = regexp.MustCompile(`^[a-z]{1,20}$`)

var errVersion = errors.New("another version")

func openIndex(path string, kinds []search.Kind) (x *index, err error) {
	f, err := sqlfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	x = &index{file: f, kinds: map[search.Kind]*kind{}, convs: map[timeline.ConversationID]*conv{}, accts: map[timeline.AccountID]int64{}}
	for _, k := range kinds {
		if !kindName.MatchString(string(k)) {
			return nil, fmt.Errorf("search: %q cannot be the name of a kind", k)
		}
		x.kinds[k] = newKind(k)
	}
	return x, f.Write(context.Background(), func(c *sqlfile.Conn) error {
		for _, s := range schema(kinds) {
			if err := c.Script(s); err != nil {
				return err
			}
		}
		v, ok, err := c.Text(`SELECT value FROM meta WHERE name = 'version'`)
		if err != nil {
			return err
		}
		if ok && v != strconv.Itoa(version) {
			return errVersion
		}
		return setMeta(c, "version", strconv.Itoa(version))
	})
}

func newKind(k search.Kind) *kind {
	f := func(s string) string { return strings.ReplaceAll(s, "$", string(k)) }
	return &kind{name: k, words: newWords(k),
		byHash:  f(`SELECT d.rowid, t.id, d.rev, d.seq, d.conv, d.account, t.data FROM doc_$ d CROSS JOIN txt_$ t ON t.rowid = d.rowid WHERE d.hash = ?`),
		row:     f(`SELECT hash FROM doc_$ WHERE rowid = ?`),
		insert:  f(`INSERT INTO doc_$ (rowid, hash, rev, seq, conv, person, account, dir, att, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
		update:  f(`UPDATE doc_$ SET rev = ?, person = ?, dir = ?, att = ?, gone = ? WHERE rowid = ?`),
		text:    f(`INSERT INTO txt_$ (rowid, id, data) VALUES (?, ?, ?)`),
		retext:  f(`UPDATE txt_$ SET data = ? WHERE rowid = ?`),
		untext:  f(`DELETE FROM txt_$ WHERE rowid = ?`),
		remove:  f(`DELETE FROM doc_$ WHERE rowid = ?`),
		put:     f(`INSERT INTO fts_$ (rowid, body, extra, tags) VALUES (?, ?, ?, ?)`),
		del:     f(`INSERT INTO fts_$ (fts_$, rowid, body, extra, tags) VALUES ('delete', ?, ?, ?, ?)`),
		ofConv:  f(`SELECT d.rowid, t.id, d.rev, d.seq, d.conv, d.account, t.data FROM fts_$ f CROSS JOIN doc_$ d ON d.rowid = f.rowid CROSS JOIN txt_$ t ON t.rowid = f.rowid WHERE fts_$ MATCH ? AND d.seq <= ?`),
		merge:   f(`INSERT INTO fts_$ (fts_$, rank) VALUES ('merge', ?)`),
		hasWord: f(`SELECT rowid FROM fts_$ WHERE fts_$ MATCH ? LIMIT 1`),
	}
}

func setMeta(c *sqlfile.Conn, name, value string) error {
	_, err := c.Exec(`INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

func (x *index) meta(ctx context.Context, name string) (v string, err error) {
	err = x.file.Read(ctx, func(c *sqlfile.Conn) (err error) {
		v, _, err = c.Text(`SELECT value FROM meta WHERE name = ?`, name)
		return err
	})
	return v, err
}

// apply takes changes in, all or none.
func (x *index) apply(ctx context.Context, changes []search.Change) error {
	err := x.file.Write(ctx, func(c *sqlfile.Conn) error {
		for i := range changes {
			if err := x.change(c, &changes[i]); err != nil {
				return err
			}
		}
		for _, k := range x.kinds {
			if err := k.words.save(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // what is remembered may not have been written
		x.forget(ctx)
	}
	return err
}

// forget drops what is remembered of the file.
func (x *index) forget(ctx context.Context) {
	_ = x.file.Alone(context.WithoutCancel(ctx), func(*sqlfile.Conn) error { // fails only when the file is closed
		clear(x.convs)
		clear(x.accts)
		for _, k := range x.kinds {
			k.words.forget()
		}
		return nil
	})
}

func (x *index) change(c *sqlfile.Conn, ch *search.Change) error {
	switch {
	case ch.Standing != nil:
		return x.stand(c, ch.Standing)
	case ch.Doc != nil:
		k := x.kinds[ch.Doc.Kind]
		if k == nil {
			return fmt.Errorf("search: there is no kind %q", ch.Doc.Kind)
		}
		return x.doc(c, k, ch.Doc)
	}
	return nil
}

// maxConvs bounds how many conversations are remembered.
const maxConvs = 20000

// conv finds a conversation, or notes one that nothing is known of yet: nobody sees its
// documents before its standing comes, but who sees everything.
func (x *index) conv(c *sqlfile.Conn, id timeline.ConversationID) (*conv, error) {
	if id == "" {
		return &conv{}, nil
	}
	if k, ok := x.convs[id]; ok {
		return k, nil
	}
	if len(x.convs) >= maxConvs {
		clear(x.convs)
	}
	k := &conv{}
	err := c.Each(context.Background(), `SELECT ord, rev, erased FROM conv WHERE id = ?`, 3, func(row []driver.Value) bool {
		k.ord, k.rev, k.erased = number(row[0]), number(row[1]), number(row[2])
		return false
	}, string(id))
	if err != nil {
		return nil, err
	}
	if k.ord == 0 {
		if _, err := c.Exec(`INSERT INTO conv (id, rev, person, assignee, team, state, erased) VALUES (?, -1, '', '', ?, '', 0)`, string(id), nowhere); err != nil {
			return nil, err
		}
		if k.ord, _, err = c.Int(`SELECT last_insert_rowid()`); err != nil {
			return nil, err
		}
		k.rev = -1
	}
	x.convs[id] = k
	return k, nil
}

// nowhere is the team of a conversation whose standing is not known: nobody's.
const nowhere = "\x00"

// stand takes in whose a conversation is. An erasure takes its documents away.
func (x *index) stand(c *sqlfile.Conn, s *search.Standing) error {
	k, err := x.conv(c, s.Conversation)
	if err != nil {
		return err
	}
	if s.Erased > k.erased {
		if err := x.erase(c, k, s.Erased); err != nil {
			return err
		}
	}
	if s.Rev <= k.rev {
		return nil
	}
	says := strings.Join(append([]string{string(s.Person), string(s.Assignee), string(s.Team), string(s.State)}, s.Labels...), fieldMark)
	if says == k.says { // the same again: a later revision that is not written down harms nobody
		k.rev = s.Rev
		return nil
	}
	if _, err := c.Exec(`UPDATE conv SET rev = ?, person = ?, assignee = ?, team = ?, state = ? WHERE ord = ?`,
		s.Rev, string(s.Person), string(s.Assignee), string(s.Team), string(s.State), k.ord); err != nil {
		return err
	}
	k.rev, k.says = s.Rev, says
	if _, err := c.Exec(`DELETE FROM label WHERE conv = ?`, k.ord); err != nil {
		return err
	}
	for _, l := range s.Labels {
		if _, err := c.Exec(`INSERT OR IGNORE INTO label (label, conv) VALUES (?, ?)`, l, k.ord); err != nil {
			return err
		}
	}
	return nil
}

// erase removes every document of a conversation up to a seq.
func (x *index) erase(c *sqlfile.Conn, k *conv, upTo int64) error {
	for _, kd := range x.kinds {
		var rows []row
		err := c.Each(context.Background(), kd.ofConv, rowColumns, func(r []driver.Value) bool {
			rows = append(rows, rowOf(r))
			return true
		}, `tags : "`+convTag(k.ord)+`"`, upTo)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := x.clear(c, kd, r); err != nil {
				return err
			}
			if err := kd.take(c, r.rowid); err != nil {
				return err
			}
		}
	}
	if _, err := c.Exec(`UPDATE conv SET erased = ? WHERE ord = ?`, upTo, k.ord); err != nil {
		return err
	}
	k.erased = upTo
	return nil
}

// row is a document as it is kept.
type row struct {
	rowid, rev, seq, conv, account int64
	id, data                       string
}

const rowColumns = 7

func rowOf(r []driver.Value) row {
	return row{rowid: number(r[0]), id: word(r[1]), rev: number(r[2]), seq: number(r[3]), conv: number(r[4]), account: number(r[5]), data: word(r[6])}
}

func number(v driver.Value) int64 { n, _ := v.(int64); return n }
func word(v driver.Value) string  { s, _ := v.(string); return s }

func hash(id string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return int64(h.Sum64())
}

// find is the row of a document; ok is false where there is none.
func (x *index) find(c *sqlfile.Conn, k *kind, id string) (r row, ok bool, err error) {
	err = c.Each(context.Background(), k.byHash, rowColumns, func(v []driver.Value) bool {
		if word(v[1]) != id {
			return true
		}
		r, ok = rowOf(v), true
		return false
	}, hash(id))
	return r, ok, err
}

// doc takes one document in, unless a later revision is there.
func (x *index) doc(c *sqlfile.Conn, k *kind, d *search.Doc) error {
	cv, err := x.conv(c, d.Conversation)
	if err != nil {
		return err
	}
	if d.Seq > 0 && d.Seq <= cv.erased {
		return nil
	}
	old, there, err := x.find(c, k, d.ID)
	if err != nil || there && d.Rev <= old.rev {
		return err
	}
	data := ""
	if !d.Gone {
		data = pack(d.Fields)
	}
	if there {
		if base := d.At.UnixMilli() << timeShift; old.rowid>>timeShift == base>>timeShift && old.conv == cv.ord {
			if _, err := c.Exec(k.update, d.Rev, string(d.Person), direction(d.Direction), flag(d.Attachment), flag(data == ""), old.rowid); err != nil {
				return err
			}
			if data == old.data {
				return nil
			}
			if err := x.clear(c, k, old); err != nil {
				return err
			}
			if _, err := c.Exec(k.retext, data, old.rowid); err != nil {
				return err
			}
			return x.index(c, k, old.rowid, cv.ord, old.account, data)
		}
		if err := x.clear(c, k, old); err != nil {
			return err
		}
		if err := k.take(c, old.rowid); err != nil {
			return err
		}
	}
	return x.add(c, k, d, cv.ord, data)
}

func (x *index) add(c *sqlfile.Conn, k *kind, d *search.Doc, cv int64, data string) error {
	acct, err := x.account(c, d)
	if err != nil {
		return err
	}
	h := hash(d.ID)
	id := d.At.UnixMilli()<<timeShift | h&(1<<timeShift-1)
	for step := int64(1); ; step++ {
		_, taken, err := c.Int(k.row, id)
		if err != nil {
			return err
		}
		if !taken {
			break
		}
		id += step
	}
	if _, err := c.Exec(k.insert, id, h, d.Rev, d.Seq, cv, string(d.Person), acct, direction(d.Direction), flag(d.Attachment), flag(data == "")); err != nil {
		return err
	}
	if _, err := c.Exec(k.text, id, d.ID, data); err != nil {
		return err
	}
	return x.index(c, k, id, cv, acct, data)
}

// take removes a row.
func (k *kind) take(c *sqlfile.Conn, rowid int64) error {
	if _, err := c.Exec(k.remove, rowid); err != nil {
		return err
	}
	_, err := c.Exec(k.untext, rowid)
	return err
}

// index adds a document's words.
func (x *index) index(c *sqlfile.Conn, k *kind, id, cv, acct int64, data string) error {
	if data == "" {
		return nil
	}
	texts := texts(unpack(data))
	body, extra := text.Body(texts...), text.Extra(texts...)
	k.words.add(body, extra)
	_, err := c.Exec(k.put, id, body, extra, tags(cv, acct))
	return err
}

// clear takes a document's words out of the index.
func (x *index) clear(c *sqlfile.Conn, k *kind, r row) error {
	if r.data == "" {
		return nil
	}
	texts := texts(unpack(r.data))
	body, extra := text.Body(texts...), text.Extra(texts...)
	if _, err := c.Exec(k.del, r.rowid, body, extra, tags(r.conv, r.account)); err != nil {
		return err
	}
	return k.words.removed(c, k, body, extra)
}

// account numbers a configured account.
func (x *index) account(c *sqlfile.Conn, d *search.Doc) (int64, error) {
	if d.Account == "" {
		return 0, nil
	}
	if ord, ok := x.accts[d.Account]; ok {
		return ord, nil
	}
	_, err := c.Exec(`INSERT INTO account (id, channel) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`, string(d.Account), d.Channel)
	if err != nil {
		return 0, err
	}
	ord, _, err := c.Int(`SELECT ord FROM account WHERE id = ?`, string(d.Account))
	if err == nil {
		x.accts[d.Account] = ord
	}
	return ord, err
}

// tags are words that filters look for: the conversation and the account.
func tags(cv, acct int64) string {
	if acct == 0 {
		return convTag(cv)
	}
	return convTag(cv) + " " + accountTag(acct)
}

func convTag(ord int64) string    { return "c" + strconv.FormatInt(ord, 36) }
func accountTag(ord int64) string { return "a" + strconv.FormatInt(ord, 36) }

func direction(d timeline.Direction) int64 {
	switch d {
	case timeline.In:
		return 1
	case timeline.Out:
		return 2
	}
	return 0
}

var directions = []timeline.Direction{timeline.Internal, timeline.In, timeline.Out}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// The marks between fields, and between a field's name and text; texts hold neither.
const (
	fieldMark = "\x1e"
	nameMark  = "\x1f"
)

var marks = strings.NewReplacer(fieldMark, " ", nameMark, " ")

func pack(fs []search.Field) string {
	var b strings.Builder
	for _, f := range fs {
		if f.Text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(fieldMark)
		}
		b.WriteString(f.Name + nameMark + marks.Replace(f.Text))
	}
	return b.String()
}

func unpack(data string) []search.Field {
	if data == "" {
		return nil
	}
	var out []search.Field
	for part := range strings.SplitSeq(data, fieldMark) {
		name, text, _ := strings.Cut(part, nameMark)
		out = append(out, search.Field{Name: name, Text: text})
	}
	return out
}

func texts(fs []search.Field) []string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = f.Text
	}
	return out
}

// tidyPages is how much of the index of words is merged in one transaction; others write in between.
const tidyPages = 1000

// tidy merges the index of words into one piece, which makes searching quicker.
func (x *index) tidy(ctx context.Context) error {
	for _, k := range x.kinds {
		pages, before := int64(-tidyPages), int64(-1)
		for {
			var after int64
			err := x.file.Write(ctx, func(c *sqlfile.Conn) (err error) {
				if _, err = c.Exec(k.merge, pages); err != nil {
					return err
				}
				after, _, err = c.Int(`SELECT total_changes()`)
				return err
			})
			if err != nil {
				return err
			}
			if before >= 0 && after-before < 2 { // nothing was merged
				break
			}
			pages, before = tidyPages, after
		}
	}
	return nil
}

// moment is the time in a rowid.
func moment(rowid int64) time.Time { return time.UnixMilli(rowid >> timeShift).UTC() }

func (x *index) close() error { return x.file.Close() }

// drop closes the file and removes it.
func (x *index) drop() error {
	path := x.file.Path()
	return errors.Join(x.close(), removeFile(path))
}

func removeFile(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
