package meili

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/text"
	"github.com/parley-hub/parley/timeline"
)

// place is where a page ends: below a row and so many of its moment; ranked, so many finds
// that are not newer than the newest when the first page was read.
type place struct {
	Ord  int64  `json:"i,omitempty"`
	Skip int64  `json:"n,omitempty"`
	Sort string `json:"o"`
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
	if err != nil || p.Sort != string(sort) || p.Skip < 0 {
		return p, search.ErrAfter
	}
	return p, nil
}

// Search implements [search.Engine].
func (e *Engine) Search(ctx context.Context, q search.Query) (out search.Results, err error) {
	if q.Sort == "" {
		q.Sort = search.Newest
	}
	q.Limit = min(max(q.Limit, 0), search.MaxLimit)
	if q.Limit == 0 {
		q.Limit = search.DefaultLimit
	}
	asked := search.Ask(q)
	if asked.Empty() {
		if strings.TrimSpace(q.Text) != "" {
			return out, nil
		}
		if q.Sort == search.Relevance { // there is nothing to fit
			q.Sort = search.Newest
		}
	}
	at, err := parsePlace(q.After, q.Sort)
	if err != nil {
		return out, err
	}
	if at.Ord == 0 {
		at.Ord = time.Now().Add(24*time.Hour).UnixMilli()<<timeBits | 1
	}
	conds := append(conditions(&q), "ord <= "+itoa(at.Ord))
	req := &meilisearch.SearchRequest{Query: words(asked.Query), Filter: and(conds...), Limit: int64(q.Limit) + 1, Offset: at.Skip,
		MatchingStrategy: meilisearch.All, AttributesToRetrieve: []string{"kind", "key", "rev", "at", "ord", "seq", "conv", "person", "account", "channel", "dir", "att", "fields"}}
	if q.Sort == search.Newest {
		req.Sort = []string{"ord:desc"}
	}
	res, err := e.m.Index(e.name).SearchWithContext(ctx, req.Query, req)
	if err != nil {
		return out, failed("search", err)
	}
	return page(res, q, at)
}

func page(res *meilisearch.SearchResponse, q search.Query, at place) (out search.Results, err error) {
	var ords []int64
	for _, h := range res.Hits {
		var d doc
		raw, err := json.Marshal(h)
		if err == nil {
			err = json.Unmarshal(raw, &d)
		}
		if err != nil {
			return out, fmt.Errorf("search: meilisearch: decode a find: %w", err)
		}
		if len(out.Docs) < q.Limit {
			out.Docs = append(out.Docs, found(&d))
			ords = append(ords, d.Ord)
		}
	}
	if len(res.Hits) <= q.Limit {
		return out, nil
	}
	next := place{Ord: at.Ord, Skip: at.Skip + int64(q.Limit), Sort: string(q.Sort)}
	if q.Sort == search.Newest {
		last := ords[len(ords)-1]
		next.Ord, next.Skip = last, 0
		for _, o := range ords {
			if o == last {
				next.Skip++
			}
		}
		if last == at.Ord {
			next.Skip += at.Skip
		}
	}
	if next.Skip < maxHits {
		out.Next = next.key()
	}
	return out, nil
}

func found(d *doc) search.Doc {
	out := search.Doc{Kind: search.Kind(d.Kind), ID: d.Key, Rev: d.Rev, At: time.UnixMilli(d.At).UTC(), Seq: d.Seq, Conversation: timeline.ConversationID(d.Conv),
		Account: timeline.AccountID(d.Account), Channel: d.Channel, Direction: timeline.Direction(d.Dir), Attachment: d.Att, Fields: d.Fields}
	if out.Kind == search.People && len(d.Person) > 0 {
		out.Person = timeline.PersonID(strings.TrimPrefix(d.Person[0], "="))
	}
	return out
}

// words is a query in the server's language: words, phrases in quotes, and a hyphen before
// what must not be there. A space at the end says that the last word is complete.
func words(q text.Query) string {
	var out []string
	open := false
	for _, u := range q.Units {
		var s string
		s, open = unit(u)
		if u.Not {
			s = "-" + s
		}
		out = append(out, s)
	}
	all := strings.Join(out, " ")
	if all != "" && !open {
		all += " "
	}
	return all
}

// The lengths of numbers that are looked for in one, and by their ends although they may go on.
const (
	longNumber = 7
	whole      = 11
)

func unit(u text.Unit) (s string, open bool) {
	terms := make([]string, len(u.Tokens))
	numbers, letters := true, true
	for i, t := range u.Tokens {
		terms[i] = t.Term
		numbers, letters = numbers && t.Kind == text.Number, letters && t.Kind == text.Word
	}
	number := strings.Join(terms, "")
	last := len(terms) - 1
	switch {
	case u.Exact || u.Not || u.Tokens[0].Kind == text.Char:
		return quoted(terms), false
	case u.Tail != "" && (!u.Prefix || len(number) >= whole):
		return quoted([]string{marked(u.Tail)}), false
	case numbers && (u.Loose || u.Joined != "") && len(number) >= longNumber:
		return number, u.Prefix
	case u.Loose || last == 0:
		return strings.Join(terms, " "), u.Prefix
	case letters && u.Joined != "" && u.Prefix:
		return u.Joined, true
	case letters && u.Joined != "":
		return quoted([]string{u.Joined}), false
	case u.Prefix:
		return quoted(terms[:last]) + " " + terms[last], true
	}
	return quoted(terms), false
}

func quoted(terms []string) string { return `"` + strings.Join(terms, " ") + `"` }

// conditions are what the filter and who asks let pass.
func conditions(q *search.Query) []string {
	f := &q.Filter
	out := []string{is("kind", string(q.Kind)), "gone = false"}
	add := func(c string) { out = append(out, c) }
	if len(f.Channels) > 0 {
		add(in("channel", f.Channels, func(s string) string { return s }))
	}
	if len(f.Accounts) > 0 {
		add(in("account", f.Accounts, func(s string) string { return s }))
	}
	if f.Direction != "" {
		add(is("dir", string(f.Direction)))
	}
	if f.HasAttachment != nil {
		add("att = " + strconv.FormatBool(*f.HasAttachment))
	}
	if !f.Since.IsZero() {
		add("at >= " + itoa(f.Since.UnixMilli()))
	}
	if !f.Until.IsZero() {
		add("at < " + itoa(f.Until.UnixMilli()))
	}
	if f.Conversation != "" {
		add(is("conv", string(f.Conversation)))
	}
	if f.Person != "" {
		add(is("person", kept(string(f.Person))))
	}
	if f.Assignee != nil {
		add(is("assignee", kept(string(*f.Assignee))))
	}
	if len(f.Teams) > 0 {
		add(in("team", f.Teams, kept))
	}
	if len(f.States) > 0 {
		add(in("state", f.States, kept))
	}
	for _, l := range f.Labels {
		add(is("labels", kept(l)))
	}
	return append(out, scope(&q.Scope)...)
}

func scope(s *search.Scope) []string {
	switch {
	case s.All:
		return nil
	case s.Agent == "" && !s.Team:
		return []string{is("kind", "")} // nobody sees anything
	case s.Team:
		return []string{"(" + is("assignee", kept(string(s.Agent))) + " OR " + in("team", append([]timeline.TeamID{""}, s.Teams...), kept) + ")"}
	}
	return []string{is("assignee", kept(string(s.Agent)))}
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func value(s string) string { return `"` + escape.Replace(s) + `"` }

func is(field, s string) string  { return field + " = " + value(s) }
func not(field, s string) string { return field + " != " + value(s) }

func in[T ~string](field string, vs []T, as func(string) string) string {
	list := make([]string, len(vs))
	for i, v := range vs {
		list[i] = value(as(string(v)))
	}
	return field + " IN [" + strings.Join(list, ", ") + "]"
}

func and(conds ...string) string { return strings.Join(conds, " AND ") }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
