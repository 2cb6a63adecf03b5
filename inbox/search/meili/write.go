package meili

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/text"
)

// standingKind is the kind of the documents that keep what conversations say.
const standingKind = "standing"

// keeper is what a conversation says of its documents, as each of them has it. Of a person's it
// is what all of their conversations say. Values begin with "=", so that nobody and no team
// are values too.
type keeper struct {
	Person   []string `json:"person"`
	Assignee []string `json:"assignee"`
	Team     []string `json:"team"`
	State    []string `json:"state"`
	Labels   []string `json:"labels"`
}

// doc is a document as the index has it.
type doc struct {
	ID      string         `json:"id"`
	Kind    string         `json:"kind"`
	Key     string         `json:"key"`
	Rev     int64          `json:"rev"`
	Gone    bool           `json:"gone"`
	At      int64          `json:"at"`
	Ord     int64          `json:"ord"` // orders by time; differs within a moment
	Seq     int64          `json:"seq"`
	Conv    string         `json:"conv"`
	Account string         `json:"account"`
	Channel string         `json:"channel"`
	Dir     string         `json:"dir"`
	Att     bool           `json:"att"`
	Fields  []search.Field `json:"fields"`
	Head    string         `json:"head"`
	Body    string         `json:"body"`
	Extra   string         `json:"extra"`
	keeper
}

// standing is what is kept of a conversation.
type standing struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Key    string `json:"key"`
	Rev    int64  `json:"rev"`
	Erased int64  `json:"erased"`
	keeper
}

// docID names a document: servers take few signs in an id.
func docID(kind, key string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

func kept(s string) string { return "=" + s }

func keeperOf(s *search.Standing) keeper {
	k := keeper{Person: []string{kept(string(s.Person))}, Assignee: []string{kept(string(s.Assignee))}, Team: []string{kept(string(s.Team))},
		State: []string{kept(string(s.State))}, Labels: []string{}}
	for _, l := range s.Labels {
		k.Labels = append(k.Labels, kept(l))
	}
	return k
}

func (k keeper) equal(o keeper) bool {
	return slices.Equal(k.Person, o.Person) && slices.Equal(k.Assignee, o.Assignee) && slices.Equal(k.Team, o.Team) && slices.Equal(k.State, o.State) && slices.Equal(k.Labels, o.Labels)
}

// timeBits orders what happened in one millisecond; times stay exact in the server's numbers.
const timeBits = 12

func docOf(d *search.Doc) doc {
	id := docID(string(d.Kind), d.ID)
	out := doc{ID: id, Kind: string(d.Kind), Key: d.ID, Rev: d.Rev, Gone: d.Gone, At: d.At.UnixMilli(), Seq: d.Seq, Conv: string(d.Conversation),
		Account: string(d.Account), Channel: d.Channel, Dir: string(d.Direction), Att: d.Attachment, Fields: []search.Field{}}
	var bits int64
	for _, c := range id[:3] {
		bits = bits<<4 | int64(strings.IndexRune("0123456789abcdef", c))
	}
	out.Ord = out.At<<timeBits | bits
	out.keeper = keeper{Person: []string{}, Assignee: []string{}, Team: []string{}, State: []string{}, Labels: []string{}}
	if d.Kind == search.People {
		out.Person = []string{kept(string(d.Person))}
	}
	if d.Gone || len(d.Fields) == 0 {
		out.Gone = true
		return out
	}
	out.Fields = d.Fields
	var rest []string
	for _, f := range d.Fields[1:] {
		rest = append(rest, f.Text)
	}
	all := append([]string{d.Fields[0].Text}, rest...)
	out.Head, out.Body, out.Extra = text.Spaced(d.Fields[0].Text), text.Spaced(rest...), marked(text.Extra(all...))
	return out
}

// marked writes the ends of long numbers as words that the server takes as such.
func marked(extra string) string { return strings.ReplaceAll(extra, text.TailMark, "tail") }

// writer writes into one index.
type writer struct {
	e     *Engine
	index meilisearch.IndexManager
}

// put writes documents and waits until they are in.
func (w *writer) put(ctx context.Context, docs any) error {
	t, err := w.index.AddDocumentsWithContext(ctx, docs, nil)
	return w.e.wait(ctx, "write documents", t, err)
}

// update writes some fields of documents.
func (w *writer) update(ctx context.Context, docs any) error {
	t, err := w.index.UpdateDocumentsWithContext(ctx, docs, nil)
	return w.e.wait(ctx, "update documents", t, err)
}

// apply takes changes in: first who may see, then what was said, then what moves with them.
func (w *writer) apply(ctx context.Context, changes []search.Change) error {
	b := &batch{w: w, convs: map[string]*standing{}, docs: map[string]*doc{}}
	if err := b.read(ctx, changes); err != nil {
		return err
	}
	for i := range changes {
		b.take(&changes[i])
	}
	return b.write(ctx)
}

// batch is what a call of apply changes.
type batch struct {
	w      *writer
	convs  map[string]*standing // that the changes are of, by id
	docs   map[string]*doc      // that were there, or come
	newDoc []string
	moved  []string // conversations whose keeper changed
	erased []string
	people map[string]bool // persons whose documents are to be looked at again, as kept
}

// few is how many ids are asked for at once.
const few = 500

// read reads what there is of what the changes are of.
func (b *batch) read(ctx context.Context, changes []search.Change) error {
	b.people = map[string]bool{}
	var ids []string
	for _, c := range changes {
		if s := c.Standing; s != nil {
			ids = append(ids, docID(standingKind, string(s.Conversation)))
		}
		if d := c.Doc; d != nil {
			ids = append(ids, docID(string(d.Kind), d.ID))
			if d.Conversation != "" {
				ids = append(ids, docID(standingKind, string(d.Conversation)))
			}
		}
	}
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), few) {
		found, err := fetch[struct {
			doc
			Erased int64 `json:"erased"`
		}](ctx, b.w, &meilisearch.DocumentsQuery{Ids: some})
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Kind == standingKind {
				b.convs[f.ID] = &standing{ID: f.ID, Kind: f.Kind, Key: f.Key, Rev: f.Rev, Erased: f.Erased, keeper: f.keeper}
				continue
			}
			b.docs[f.ID] = &f.doc
		}
	}
	return nil
}

func (b *batch) take(c *search.Change) {
	if c.Standing != nil {
		b.stand(c.Standing)
	}
	if c.Doc != nil {
		b.doc(c.Doc)
	}
}

func (b *batch) stand(s *search.Standing) {
	id := docID(standingKind, string(s.Conversation))
	was := b.convs[id]
	if was == nil {
		was = &standing{ID: id, Kind: standingKind, Key: string(s.Conversation), Rev: -1}
		b.convs[id] = was
	}
	if s.Erased > was.Erased {
		was.Erased = s.Erased
		b.erased = append(b.erased, id)
	}
	if s.Rev <= was.Rev {
		return
	}
	was.Rev = s.Rev
	if is := keeperOf(s); !is.equal(was.keeper) {
		for _, p := range slices.Concat(was.Person, is.Person) {
			b.people[p] = true
		}
		was.keeper = is
		b.moved = append(b.moved, id)
	}
}

func (b *batch) doc(d *search.Doc) {
	is := docOf(d)
	if was := b.docs[is.ID]; was != nil && d.Rev <= was.Rev {
		return
	}
	if cv := b.convs[docID(standingKind, is.Conv)]; cv != nil && d.Conversation != "" && d.Seq > 0 && d.Seq <= cv.Erased {
		return
	}
	b.docs[is.ID] = &is
	b.newDoc = append(b.newDoc, is.ID)
	if d.Kind == search.People {
		b.people[is.Person[0]] = true
	}
}

func (b *batch) write(ctx context.Context) error {
	for _, id := range unique(b.erased) {
		if err := b.erase(ctx, b.convs[id]); err != nil {
			return err
		}
	}
	var docs []*doc
	for _, id := range unique(b.newDoc) {
		d := b.docs[id]
		cv := b.convs[docID(standingKind, d.Conv)]
		if d.Conv != "" && cv != nil {
			if d.Seq > 0 && d.Seq <= cv.Erased {
				continue
			}
			d.keeper = cv.keeper
		}
		docs = append(docs, d)
	}
	if len(docs) > 0 {
		if err := b.w.put(ctx, docs); err != nil {
			return err
		}
	}
	if err := b.move(ctx); err != nil {
		return err
	}
	if err := b.persons(ctx); err != nil {
		return err
	}
	// Last, so that what stops before is done again.
	var ss []*standing
	for _, id := range unique(slices.Concat(b.moved, b.erased)) {
		ss = append(ss, b.convs[id])
	}
	if len(ss) == 0 {
		return nil
	}
	return b.w.put(ctx, ss)
}

func unique(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ofConv reads the ids of a conversation's documents.
func (b *batch) ofConv(ctx context.Context, filter string) ([]string, error) {
	found, err := fetch[struct {
		ID string `json:"id"`
	}](ctx, b.w, &meilisearch.DocumentsQuery{Filter: filter, Fields: []string{"id"}})
	out := make([]string, len(found))
	for i, f := range found {
		out[i] = f.ID
	}
	return out, err
}

// erase removes the documents of a conversation up to a seq, by their ids: by filter is ten times slower.
func (b *batch) erase(ctx context.Context, s *standing) error {
	ids, err := b.ofConv(ctx, and(is("conv", s.Key), "seq <= "+itoa(s.Erased), not("kind", standingKind)))
	if err != nil || len(ids) == 0 {
		return err
	}
	t, err := b.w.index.DeleteDocumentsWithContext(ctx, ids, nil)
	return b.w.e.wait(ctx, "remove documents", t, err)
}

// moving is the fields that an assignment updates.
type moving struct {
	ID string `json:"id"`
	keeper
}

// move writes what conversations say now on their documents.
func (b *batch) move(ctx context.Context) error {
	var all []moving
	for _, id := range unique(b.moved) {
		s := b.convs[id]
		ids, err := b.ofConv(ctx, and(is("conv", s.Key), not("kind", standingKind)))
		if err != nil {
			return err
		}
		for _, id := range ids {
			all = append(all, moving{id, s.keeper})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return b.w.update(ctx, all)
}

// persons writes on people's documents what all of their conversations say.
func (b *batch) persons(ctx context.Context) error {
	var all []moving
	for p := range b.people {
		if p == "" || p == kept("") {
			continue
		}
		id := docID(string(search.People), strings.TrimPrefix(p, "="))
		there, err := b.ofConv(ctx, and(is("kind", string(search.People)), is("person", p)))
		if err != nil {
			return err
		}
		if !slices.Contains(there, id) {
			continue
		}
		m, err := b.person(ctx, p)
		if err != nil {
			return err
		}
		all = append(all, moving{id, m})
	}
	if len(all) == 0 {
		return nil
	}
	return b.w.update(ctx, all)
}

// person gathers what a person's conversations say, those of this batch as they are now.
func (b *batch) person(ctx context.Context, p string) (keeper, error) {
	found, err := fetch[standing](ctx, b.w, &meilisearch.DocumentsQuery{Filter: and(is("kind", standingKind), is("person", p))})
	if err != nil {
		return keeper{}, err
	}
	out := keeper{Person: []string{p}, Assignee: []string{}, Team: []string{}, State: []string{}, Labels: []string{}}
	add := func(k keeper) {
		out.Assignee, out.Team = append(out.Assignee, k.Assignee...), append(out.Team, k.Team...)
		out.State, out.Labels = append(out.State, k.State...), append(out.Labels, k.Labels...)
	}
	for i := range found {
		if b.convs[found[i].ID] == nil {
			add(found[i].keeper)
		}
	}
	for _, s := range b.convs {
		if slices.Contains(s.Person, p) {
			add(s.keeper)
		}
	}
	out.Assignee, out.Team, out.State, out.Labels = unique(out.Assignee), unique(out.Team), unique(out.State), unique(out.Labels)
	return out, nil
}
