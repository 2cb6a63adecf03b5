package embedded

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/internal/store/sqlfile"
	"github.com/parley-hub/parley/timeline"
)

// place is where a page ends. Ranked pages are of one window of candidates: those that are not
// newer than Top, and the next window begins below Low.
type place struct {
	ID    int64   `json:"i,omitempty"` // of the last row
	Top   int64   `json:"t,omitempty"` // ranked: the newest row of the window
	Score float64 `json:"s,omitempty"` // ranked: of the last row
	Sort  string  `json:"o"`
}

func (p place) key() string {
	data, err := json.Marshal(p)
	if err != nil { // numbers and a word always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePlace(key string, sort search.Sort) (p place, err error) {
	if key == "" {
		return place{Sort: string(sort)}, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(key)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil || p.Sort != string(sort) {
		return p, search.ErrAfter
	}
	return p, nil
}

// window is how many of the newest finds are ranked at a time.
const window = 200

// someConvs is how many conversations a filter may leave for them to be gathered once, instead
// of looking at the conversation of each find.
const someConvs = 2000

// fewConvs is how many conversations a filter may leave for them to be looked for by name in
// the index of words: then whatever else is asked, only their documents are met.
const fewConvs = 200

func (x *index) search(ctx context.Context, q search.Query) (out search.Results, err error) {
	k := x.kinds[q.Kind]
	if k == nil {
		return out, fmt.Errorf("search: there is no kind %q", q.Kind)
	}
	if q.Sort == "" {
		q.Sort = search.Newest
	}
	q.Limit = min(max(q.Limit, 0), search.MaxLimit)
	if q.Limit == 0 {
		q.Limit = search.DefaultLimit
	}
	at, err := parsePlace(q.After, q.Sort)
	if err != nil {
		return out, err
	}
	err = x.file.Read(ctx, func(c *sqlfile.Conn) error {
		out, err = (&finder{ctx: ctx, x: x, k: k, c: c, q: q, asked: search.Ask(q)}).find(at)
		return err
	})
	return out, err
}

// finder answers one query.
type finder struct {
	ctx   context.Context
	x     *index
	k     *kind
	c     *sqlfile.Conn
	q     search.Query
	asked search.Asked
	where []string
	args  []any
	joins map[string]bool // tables that the conditions name
	// gather says that the filter leaves few enough conversations to gather them once.
	gather bool
}

func (f *finder) and(cond string, args ...any) {
	f.where = append(f.where, cond)
	f.args = append(f.args, args...)
}

func (f *finder) join(alias string) {
	if f.joins == nil {
		f.joins = map[string]bool{}
	}
	f.joins[alias] = true
}

func (f *finder) find(at place) (out search.Results, err error) {
	if f.asked.Empty() && strings.TrimSpace(f.q.Text) != "" {
		return out, nil // only signs, or only what must not be there
	}
	match, err := f.k.expression(f.ctx, f.c, f.asked.Query)
	if err != nil {
		return out, err
	}
	none, narrow, err := f.narrow()
	if err != nil || none {
		return out, err
	}
	if narrow != "" {
		match = strings.TrimPrefix(match+" AND tags : "+narrow, " AND ")
		if f.asked.Empty() {
			match = "tags : " + narrow
		}
	}
	f.filters()
	if f.q.Sort == search.Relevance && match != "" {
		return f.ranked(match, at)
	}
	docs, ids, err := f.rows(match, at.ID, f.q.Limit+1)
	if err != nil {
		return out, err
	}
	out.Docs = docs
	if len(docs) > f.q.Limit {
		out.Docs = docs[:f.q.Limit]
		out.Next = place{ID: ids[f.q.Limit-1], Sort: string(f.q.Sort)}.key()
	}
	return out, nil
}

// rows reads finds, the newest first, below a row. First only what is filtered by is read, and
// of those that are left the rest.
func (f *finder) rows(match string, below int64, limit int) (docs []search.Doc, ids []int64, err error) {
	name := string(f.k.name)
	id, from := "d.rowid", "doc_"+name+" d"
	var where []string
	var args []any
	and := func(cond string, a ...any) { where, args = append(where, cond), append(args, a...) }
	if match != "" {
		id, from = "f.rowid", "fts_"+name+" f CROSS JOIN doc_"+name+" d ON d.rowid = f.rowid"
		and("fts_"+name+" MATCH ?", match)
	} else {
		and("d.gone = 0")
	}
	if below > 0 {
		and(id+" < ?", below)
	}
	if s := f.q.Filter.Since; !s.IsZero() {
		and(id+" >= ?", s.UnixMilli()<<timeShift)
	}
	if u := f.q.Filter.Until; !u.IsZero() {
		and(id+" < ?", u.UnixMilli()<<timeShift)
	}
	where, args = append(where, f.where...), append(args, f.args...)
	for alias, join := range map[string]string{"a": " CROSS JOIN account a ON a.ord = d.account", "c": " CROSS JOIN conv c ON c.ord = d.conv"} {
		if f.joins[alias] {
			from += join
		}
	}
	inner := fmt.Sprintf("SELECT %s AS row FROM %s WHERE %s ORDER BY %s DESC LIMIT ?", id, from, strings.Join(where, " AND "), id)
	outer := fmt.Sprintf(`SELECT d.rowid, t.id, d.rev, d.seq, d.conv, d.account, t.data, d.dir, d.att, d.person, c.id, a.id, a.channel
		FROM (%s) x CROSS JOIN doc_%s d ON d.rowid = x.row CROSS JOIN txt_%[2]s t ON t.rowid = x.row
		LEFT JOIN conv c ON c.ord = d.conv LEFT JOIN account a ON a.ord = d.account ORDER BY x.row DESC`, inner, name)
	err = f.c.Each(f.ctx, outer, rowColumns+6, func(r []driver.Value) bool {
		docs = append(docs, f.doc(r))
		ids = append(ids, number(r[0]))
		return true
	}, append(args, int64(limit))...)
	return docs, ids, err
}

func (f *finder) doc(r []driver.Value) search.Doc {
	w := rowOf(r)
	return search.Doc{Kind: f.k.name, ID: w.id, Rev: w.rev, At: moment(w.rowid), Seq: w.seq, Fields: unpack(w.data),
		Direction: directions[number(r[7])%3], Attachment: number(r[8]) == 1, Person: timeline.PersonID(word(r[9])),
		Conversation: timeline.ConversationID(word(r[10])), Account: timeline.AccountID(word(r[11])), Channel: word(r[12])}
}

// candidate is a find with its rank.
type candidate struct {
	doc   search.Doc
	id    int64
	score float64
}

// ranked orders the newest finds by how well they fit, a window of them at a time.
func (f *finder) ranked(match string, at place) (out search.Results, err error) {
	var below int64
	if at.Top > 0 {
		below = at.Top + 1
	}
	docs, ids, err := f.rows(match, below, window)
	if err != nil {
		return out, err
	}
	list := make([]candidate, len(docs))
	for i := range docs {
		list[i] = candidate{docs[i], ids[i], f.asked.Rank(&docs[i])}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.id, a.id))
	})
	if at.ID > 0 {
		i := slices.IndexFunc(list, func(x candidate) bool {
			return x.score < at.Score || x.score == at.Score && x.id < at.ID
		})
		if i < 0 {
			i = len(list)
		}
		list = list[i:]
	}
	n := min(len(list), f.q.Limit)
	for _, x := range list[:n] {
		out.Docs = append(out.Docs, x.doc)
	}
	switch {
	case n < len(list):
		out.Next = place{ID: list[n-1].id, Score: list[n-1].score, Top: ids[0], Sort: string(f.q.Sort)}.key()
	case len(ids) == window:
		out.Next = place{Top: ids[window-1] - 1, Sort: string(f.q.Sort)}.key()
	}
	return out, nil
}

// filters adds what the filter asks of documents and their conversations.
func (f *finder) filters() {
	flt := &f.q.Filter
	if len(flt.Channels) > 0 {
		f.join("a")
		f.and("a.channel IN ("+holes(len(flt.Channels))+")", list(flt.Channels)...)
	}
	if len(flt.Accounts) > 0 {
		f.join("a")
		f.and("a.id IN ("+holes(len(flt.Accounts))+")", list(flt.Accounts)...)
	}
	if flt.Direction != "" {
		f.and("d.dir = ?", direction(flt.Direction))
	}
	if flt.HasAttachment != nil {
		f.and("d.att = ?", flag(*flt.HasAttachment))
	}
	cond, args := f.ofConv()
	if cond == "" {
		return
	}
	if f.k.name == search.People { // of a person, one conversation must do
		f.and("EXISTS (SELECT 1 FROM conv p WHERE p.person = d.person AND "+strings.ReplaceAll(cond, "c.", "p.")+")", args...)
		return
	}
	if f.gather {
		f.and("d.conv IN (SELECT c.ord FROM conv c WHERE "+cond+")", args...)
		return
	}
	f.join("c")
	f.and(cond, args...)
}

// ofConv is what is asked of a conversation: by the filter and by who asks.
func (f *finder) ofConv() (string, []any) {
	var conds []string
	var args []any
	and := func(cond string, a ...any) { conds, args = append(conds, cond), append(args, a...) }
	flt := &f.q.Filter
	if flt.Conversation != "" {
		and("c.id = ?", string(flt.Conversation))
	}
	if flt.Person != "" {
		and("c.person = ?", string(flt.Person))
	}
	if flt.Assignee != nil {
		and("c.assignee = ?", string(*flt.Assignee))
	}
	if len(flt.Teams) > 0 {
		and("c.team IN ("+holes(len(flt.Teams))+")", list(flt.Teams)...)
	}
	if len(flt.States) > 0 {
		and("c.state IN ("+holes(len(flt.States))+")", list(flt.States)...)
	}
	for _, l := range flt.Labels {
		and("EXISTS (SELECT 1 FROM label l WHERE l.label = ? AND l.conv = c.ord)", l)
	}
	s := &f.q.Scope
	switch {
	case s.All:
	case s.Team:
		and("(c.assignee = ? OR c.team = '' OR c.team IN ("+holes(len(s.Teams))+"))", append([]any{string(s.Agent)}, list(s.Teams)...)...)
	default:
		and("c.assignee = ? AND c.assignee <> ''", string(s.Agent))
	}
	return strings.Join(conds, " AND "), args
}

// narrow finds out whether few conversations are meant; then they are looked for by name.
// none says that there is nothing to find.
func (f *finder) narrow() (none bool, tags string, err error) {
	cond, args := f.ofConv()
	if cond == "" || f.k.name == search.People {
		return false, "", nil
	}
	var ords []string
	err = f.c.Each(f.ctx, fmt.Sprintf("SELECT c.ord FROM conv c WHERE %s LIMIT %d", cond, someConvs+1), 1, func(row []driver.Value) bool {
		ords = append(ords, quote(convTag(number(row[0]))))
		return true
	}, args...)
	f.gather = len(ords) <= someConvs
	if err != nil || len(ords) > fewConvs {
		return false, "", err
	}
	if len(ords) == 0 {
		return true, "", nil
	}
	return false, oneOf(ords), nil
}

func holes(n int) string {
	if n == 0 {
		return ""
	}
	return strings.Repeat("?, ", n-1) + "?"
}

func list[T ~string](vs []T) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = string(v)
	}
	return out
}
