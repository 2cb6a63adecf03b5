package views

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Budget is how many conversations one page looks at, at most. A filter that few of them match
// gives a short page, and a key to go on from.
const Budget = 2000

// chunk is how many conversations are read at a time where not all of them may match.
const chunk = 200

// Request is one page of a list.
type Request struct {
	Filter *Filter
	Reader Reader
	Scope  Scope
	See    func(*timeline.Conversation) bool // nil: everything
	Sort   Sort
	From   Key // zero: from the start
	Limit  int
	Now    time.Time
	Budget int // 0: [Budget]
}

// Page is what a request gave.
type Page struct {
	Conversations []timeline.Conversation
	Next          *Key // nil: there are no more
	Looked        int  // at so many conversations
}

// List reads a page of conversations that a filter holds for, in order.
func List(ctx context.Context, s store.Store, r Request) (Page, error) {
	if r.Budget <= 0 {
		r.Budget = Budget
	}
	l := &lister{store: s, r: r, out: Page{Conversations: []timeline.Conversation{}}}
	for i, q := range Compile(r.Filter, r.Reader, r.Scope, r.Sort, r.From, r.Now) {
		if i > 0 && l.out.Looked >= r.Budget {
			l.out.Next = l.last
			break
		}
		full, err := l.follow(ctx, q)
		if err != nil {
			return l.out, err
		}
		if full {
			break
		}
	}
	return l.out, nil
}

type lister struct {
	store store.Store
	r     Request
	last  *Key // of the conversation looked at last
	out   Page
}

// follow reads one query until the page is full, the budget spent, or nothing is left.
func (l *lister) follow(ctx context.Context, q Query) (full bool, err error) {
	from := Key{}
	for {
		n := min(max(l.r.Limit+1-len(l.out.Conversations), 1), chunk)
		if l.out.Looked > 0 {
			n = chunk
		}
		var list []timeline.Conversation
		filter, sort := q.After(from)
		if err := l.store.C(store.Conversations).All(ctx, filter, &list, store.Find{Sort: sort, Limit: n}); err != nil {
			return false, fmt.Errorf("views: read conversations: %w", err)
		}
		if full, err = l.take(ctx, list); full || err != nil || len(list) < n {
			return full, err
		}
		from = KeyOf(&list[len(list)-1], l.r.Sort)
		if l.out.Looked >= l.r.Budget {
			l.out.Next = l.last
			return true, nil
		}
	}
}

// take matches what was read.
func (l *lister) take(ctx context.Context, list []timeline.Conversation) (full bool, err error) {
	facts, err := l.facts(ctx, list)
	if err != nil {
		return false, err
	}
	for i := range list {
		c := &list[i]
		k := KeyOf(c, l.r.Sort)
		if l.last != nil && l.last.ID == k.ID { // an index on an array gives one for each element
			continue
		}
		if matches := l.r.Sort.Has(c) && (l.r.See == nil || l.r.See(c)) && l.r.Filter.Match(c, facts(c)); matches {
			if len(l.out.Conversations) == l.r.Limit {
				next := KeyOf(&l.out.Conversations[l.r.Limit-1], l.r.Sort)
				l.out.Next = &next
				return true, nil
			}
			l.out.Conversations = append(l.out.Conversations, *c)
		}
		l.last = &k
		l.out.Looked++
	}
	return false, nil
}

// facts reads what the filter looks at beside the conversations, for all of them at once.
func (l *lister) facts(ctx context.Context, list []timeline.Conversation) (func(*timeline.Conversation) Facts, error) {
	base := Facts{Reader: l.r.Reader, Now: l.r.Now}
	reads, err := Reads(ctx, l.store, l.r, list)
	if err != nil {
		return nil, err
	}
	people, err := attributes(ctx, l.store, l.r.Filter, list)
	if err != nil {
		return nil, err
	}
	return func(c *timeline.Conversation) Facts {
		x := base
		x.Read, x.Attributes = reads[c.ID], people[c.Person]
		return x
	}, nil
}

// Reads is how many messages of each conversation the reader has read, where the filter asks for it.
func Reads(ctx context.Context, s store.Store, r Request, list []timeline.Conversation) (map[timeline.ConversationID]int64, error) {
	if !r.Filter.Uses(Unread) || len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID) + "|" + string(r.Reader.Agent)
	}
	var marks []struct {
		Conversation timeline.ConversationID `json:"conversation"`
		InCount      int64                   `json:"inCount"`
	}
	err := s.C(store.Reads).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &marks)
	if err != nil {
		return nil, fmt.Errorf("views: read marks: %w", err)
	}
	out := make(map[timeline.ConversationID]int64, len(marks))
	for _, m := range marks {
		out[m.Conversation] = m.InCount
	}
	return out, nil
}

// attributes are those of the conversations' persons, where the filter asks for them.
func attributes(ctx context.Context, s store.Store, f *Filter, list []timeline.Conversation) (map[timeline.PersonID]map[string]string, error) {
	if !f.Uses(Attribute) || len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].Person)
	}
	var people []struct {
		ID         timeline.PersonID `json:"id" bson:"_id"`
		Attributes map[string]string `json:"attributes"`
	}
	err := s.C(store.Persons).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &people)
	if err != nil {
		return nil, fmt.Errorf("views: read persons: %w", err)
	}
	out := make(map[timeline.PersonID]map[string]string, len(people))
	for _, p := range people {
		out[p.ID] = p.Attributes
	}
	return out, nil
}
