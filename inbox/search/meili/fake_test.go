package meili

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parley-hub/parley/inbox/search/text"
)

// fake behaves as the server's documentation describes: writes are tasks that are done one
// after another and seen by asking, settings must name what is filtered and sorted by, and
// errors have codes.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	key     string
	indexes map[string]*fakeIndex
	tasks   []fakeTask
	broken  int // answers every call with this status
	calls   map[string]int
}

type fakeIndex struct {
	docs     map[string]map[string]any
	settings map[string]any
}

type fakeTask struct {
	Status string            `json:"status"`
	UID    int               `json:"uid"`
	Error  map[string]string `json:"error,omitempty"`
	asked  int
	do     func() map[string]string
}

func newFake(t testing.TB) *fake {
	f := &fake{key: "hush", indexes: map[string]*fakeIndex{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /indexes", f.createIndex)
	mux.HandleFunc("GET /indexes/{uid}", f.on(func(w http.ResponseWriter, r *http.Request, _ *fakeIndex) {
		answer(w, 200, map[string]any{"uid": r.PathValue("uid")})
	}))
	mux.HandleFunc("DELETE /indexes/{uid}", f.on(func(w http.ResponseWriter, r *http.Request, _ *fakeIndex) {
		f.task(w, func() map[string]string { delete(f.indexes, r.PathValue("uid")); return nil })
	}))
	mux.HandleFunc("PATCH /indexes/{uid}/settings", f.on(f.patchSettings))
	mux.HandleFunc("POST /indexes/{uid}/documents", f.on(func(w http.ResponseWriter, r *http.Request, x *fakeIndex) { f.write(w, r, x, false) }))
	mux.HandleFunc("PUT /indexes/{uid}/documents", f.on(func(w http.ResponseWriter, r *http.Request, x *fakeIndex) { f.write(w, r, x, true) }))
	mux.HandleFunc("POST /indexes/{uid}/documents/fetch", f.on(f.fetch))
	mux.HandleFunc("POST /indexes/{uid}/documents/delete-batch", f.on(f.deleteBatch))
	mux.HandleFunc("POST /indexes/{uid}/search", f.on(f.search))
	mux.HandleFunc("POST /swap-indexes", f.swap)
	mux.HandleFunc("GET /tasks/{uid}", f.askTask)
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]any{"databaseSize": 1234}) })
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls[r.Method+" "+r.URL.Path]++
		switch {
		case f.broken != 0:
			w.WriteHeader(f.broken)
		case r.Header.Get("Authorization") != "Bearer "+f.key:
			refuse(w, 403, "invalid_api_key")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) url() string { return strings.Replace(f.URL, "://", "://:"+f.key+"@", 1) }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]string{"message": "no", "code": code, "type": "invalid_request", "link": "https://docs.example.org"})
}

// on finds the index that a path names.
func (f *fake) on(h func(http.ResponseWriter, *http.Request, *fakeIndex)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.done(len(f.tasks)) // the server catches up sooner or later
		x := f.indexes[r.PathValue("uid")]
		if x == nil {
			refuse(w, 404, "index_not_found")
			return
		}
		h(w, r, x)
	}
}

// task queues work; it is done when it was asked for twice.
func (f *fake) task(w http.ResponseWriter, do func() map[string]string) {
	uid := len(f.tasks)
	f.tasks = append(f.tasks, fakeTask{Status: "enqueued", UID: uid, do: do})
	answer(w, 202, map[string]any{"taskUid": uid, "status": "enqueued"})
}

func (f *fake) done(until int) {
	for i := range f.tasks[:until] {
		if t := &f.tasks[i]; t.Status == "enqueued" {
			t.Status = "succeeded"
			if t.Error = t.do(); t.Error != nil {
				t.Status = "failed"
			}
		}
	}
}

func (f *fake) askTask(w http.ResponseWriter, r *http.Request) {
	uid, err := strconv.Atoi(r.PathValue("uid"))
	if err != nil || uid >= len(f.tasks) {
		refuse(w, 404, "task_not_found")
		return
	}
	if f.tasks[uid].asked++; f.tasks[uid].asked > 1 {
		f.done(uid + 1)
	}
	answer(w, 200, f.tasks[uid])
}

func body[T any](w http.ResponseWriter, r *http.Request) (v T, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		refuse(w, 400, "malformed_payload")
		return v, false
	}
	return v, true
}

func (f *fake) createIndex(w http.ResponseWriter, r *http.Request) {
	in, ok := body[struct{ UID, PrimaryKey string }](w, r)
	if !ok {
		return
	}
	f.task(w, func() map[string]string {
		if f.indexes[in.UID] != nil {
			return map[string]string{"code": "index_already_exists"}
		}
		f.indexes[in.UID] = &fakeIndex{docs: map[string]map[string]any{}, settings: map[string]any{}}
		return nil
	})
}

func (f *fake) patchSettings(w http.ResponseWriter, r *http.Request, x *fakeIndex) {
	in, ok := body[map[string]any](w, r)
	if ok {
		f.task(w, func() map[string]string { maps.Copy(x.settings, in); return nil })
	}
}

func (f *fake) swap(w http.ResponseWriter, r *http.Request) {
	in, ok := body[[]struct{ Indexes []string }](w, r)
	if !ok {
		return
	}
	f.task(w, func() map[string]string {
		for _, p := range in {
			a, b := p.Indexes[0], p.Indexes[1]
			if f.indexes[a] == nil || f.indexes[b] == nil {
				return map[string]string{"code": "index_not_found"}
			}
			f.indexes[a], f.indexes[b] = f.indexes[b], f.indexes[a]
		}
		return nil
	})
}

func (f *fake) write(w http.ResponseWriter, r *http.Request, x *fakeIndex, partly bool) {
	in, ok := body[[]map[string]any](w, r)
	if !ok {
		return
	}
	f.task(w, func() map[string]string {
		for _, d := range in {
			id, _ := d["id"].(string)
			if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				return map[string]string{"code": "invalid_document_id"}
			}
			if was := x.docs[id]; partly && was != nil {
				now := maps.Clone(was)
				maps.Copy(now, d)
				d = now
			}
			x.docs[id] = d
		}
		return nil
	})
}

func (f *fake) deleteBatch(w http.ResponseWriter, r *http.Request, x *fakeIndex) {
	ids, ok := body[[]string](w, r)
	if ok {
		f.task(w, func() map[string]string {
			for _, id := range ids {
				delete(x.docs, id)
			}
			return nil
		})
	}
}

func (f *fake) fetch(w http.ResponseWriter, r *http.Request, x *fakeIndex) {
	in, ok := body[struct {
		Offset, Limit int
		Filter        string
		IDs           []string
	}](w, r)
	if !ok {
		return
	}
	var out []map[string]any
	for _, id := range slices.Sorted(maps.Keys(x.docs)) {
		d := x.docs[id]
		pass, code := x.passes(in.Filter, d)
		if code != "" {
			refuse(w, 400, code)
			return
		}
		if pass && (len(in.IDs) == 0 || slices.Contains(in.IDs, id)) {
			out = append(out, d)
		}
	}
	page := out[min(in.Offset, len(out)):min(in.Offset+in.Limit, len(out))]
	answer(w, 200, map[string]any{"results": append([]map[string]any{}, page...), "total": len(out), "limit": in.Limit, "offset": in.Offset})
}

func (f *fake) search(w http.ResponseWriter, r *http.Request, x *fakeIndex) {
	in, ok := body[struct {
		Q, Filter     string
		Sort          []string
		Offset, Limit int
	}](w, r)
	if !ok {
		return
	}
	type hit struct {
		doc  map[string]any
		rank int
	}
	var hits []hit
	for _, d := range x.docs {
		pass, code := x.passes(in.Filter, d)
		if code != "" {
			refuse(w, 400, code)
			return
		}
		if rank, found := asks(in.Q, d); pass && found {
			hits = append(hits, hit{d, rank})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if len(in.Sort) == 0 && a.rank != b.rank {
			return a.rank - b.rank
		}
		return int(num(b.doc["ord"]) - num(a.doc["ord"]))
	})
	out := []map[string]any{}
	for _, h := range hits[min(in.Offset, len(hits)):min(in.Offset+in.Limit, len(hits))] {
		out = append(out, h.doc)
	}
	answer(w, 200, map[string]any{"hits": out, "estimatedTotalHits": len(hits)})
}

func num(v any) float64 { n, _ := v.(float64); return n }

// asks evaluates a query: words, the last of which may go on unless a space follows, phrases in
// quotes, a hyphen before what must not be there; a letter may be wrong in a word of four, not in numbers and
// not in extra. The rank is worse for other spellings, for later fields and for long texts.
func asks(q string, d map[string]any) (rank int, ok bool) {
	fields := make([][]string, 3)
	for i, name := range []string{"head", "body", "extra"} {
		s, _ := d[name].(string)
		fields[i] = strings.Fields(s)
	}
	rank = len(fields[0])
	open := q != "" && !strings.HasSuffix(q, " ") && !strings.HasSuffix(q, `"`)
	for s := strings.TrimSpace(q); s != ""; s = strings.TrimSpace(s) {
		not := strings.HasPrefix(s, "-")
		s = strings.TrimPrefix(s, "-")
		var terms []string
		phrase := strings.HasPrefix(s, `"`)
		if phrase {
			inside, after, _ := strings.Cut(s[1:], `"`)
			terms, s = strings.Fields(inside), after
		} else {
			word, after, _ := strings.Cut(s, " ")
			terms, s = []string{word}, after
		}
		worst := -1
		for i, f := range fields {
			for k := range f {
				if worse := at(terms, f[k:], phrase, open && s == "", i < 2); worse >= 0 && (worst < 0 || worse+100*i < worst) {
					worst = worse + 100*i
				}
			}
		}
		if (worst >= 0) == not {
			return 0, false
		}
		rank += max(worst, 0)
	}
	return rank, true
}

func at(terms, f []string, phrase, open, typos bool) int {
	if len(f) < len(terms) {
		return -1
	}
	for i, t := range terms {
		switch {
		case f[i] == t:
		case !phrase && open && strings.HasPrefix(f[i], t):
			return 1
		case !phrase && typos && strings.Trim(t, "0123456789") != "" && text.Near(t, f[i], open):
			return 1000
		default:
			return -1
		}
	}
	return 0
}

// passes evaluates a filter; code is the error of one that is not understood.
func (x *fakeIndex) passes(filter string, d map[string]any) (ok bool, code string) {
	if filter == "" {
		return true, ""
	}
	p := &filterParser{s: filter, d: d, may: x.settings["filterableAttributes"]}
	ok = p.or()
	if p.bad || strings.TrimSpace(p.s) != "" {
		return false, "invalid_search_filter"
	}
	return ok, ""
}

type filterParser struct {
	s   string
	d   map[string]any
	may any
	bad bool
}

func (p *filterParser) eat(word string) bool {
	p.s = strings.TrimLeft(p.s, " ")
	if !strings.HasPrefix(p.s, word) {
		return false
	}
	p.s = p.s[len(word):]
	return true
}

func (p *filterParser) or() bool {
	ok := p.and()
	for p.eat("OR ") {
		next := p.and()
		ok = ok || next
	}
	return ok
}

func (p *filterParser) and() bool {
	ok := p.one()
	for p.eat("AND ") {
		next := p.one()
		ok = ok && next
	}
	return ok
}

func (p *filterParser) one() bool {
	if p.eat("(") {
		ok := p.or()
		p.bad = p.bad || !p.eat(")")
		return ok
	}
	p.s = strings.TrimLeft(p.s, " ")
	field, _, _ := strings.Cut(p.s, " ")
	p.eat(field)
	if list, _ := p.may.([]any); !slices.Contains(list, any(field)) {
		p.bad = true
		return false
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">", "IN ["} {
		if !p.eat(op) {
			continue
		}
		values := []string{p.value()}
		for op == "IN [" && p.eat(",") {
			values = append(values, p.value())
		}
		p.bad = p.bad || op == "IN [" && !p.eat("]")
		return compare(p.d[field], op, values)
	}
	p.bad = true
	return false
}

func (p *filterParser) value() string {
	if !p.eat(`"`) {
		p.s = strings.TrimLeft(p.s, " ")
		i := strings.IndexAny(p.s+" ", " ,])")
		v := p.s[:i]
		p.s = p.s[i:]
		return v
	}
	var b strings.Builder
	for i := 0; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
			b.WriteByte(p.s[i])
		case '"':
			p.s = p.s[i+1:]
			return b.String()
		default:
			b.WriteByte(p.s[i])
		}
	}
	p.bad = true
	return ""
}

func compare(v any, op string, values []string) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(x any) bool { return compare(x, op, values) })
	}
	if n, ok := v.(float64); ok && op != "IN [" {
		m, err := strconv.ParseFloat(values[0], 64)
		return err == nil && map[string]bool{"=": n == m, "!=": n != m, "<": n < m, "<=": n <= m, ">": n > m, ">=": n >= m}[op]
	}
	s := fmt.Sprint(v)
	if op == "!=" {
		return s != values[0]
	}
	return (op == "=" || op == "IN [") && slices.Contains(values, s)
}
