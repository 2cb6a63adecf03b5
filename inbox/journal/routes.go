package journal

import (
	"container/list"
	"reflect"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// cachedRoutes is how many threads resolve remembers.
const cachedRoutes = 20000

// route is where the events of a thread by one peer go.
type route struct {
	key    string
	person timeline.PersonID
	name   string
	queue  string
	head   head
	exists bool // the conversation was seen in the store; else its commands say how to begin it
	state  timeline.State
	ended  *time.Time                      // when it was resolved
	legs   map[timeline.LegID]timeline.Leg // as the conversation has them
	guest  bool                            // the peer writes in a thread of somebody else's
	avatar string                          // the person's

	shown, picture string // the person's name and picture as the conversation has them

	profile *timeline.Profile // taken in already
	links   []timeline.Identity
	at      time.Time // when it was read
}

// routes remembers where threads go, for a short while: what it says may be as old as its age.
// A merge of persons ends all of it at once, on every node, see [Journal.Resolve].
type routes struct {
	now   func() time.Time
	age   time.Duration
	mu    sync.Mutex
	epoch int64
	all   map[string]*list.Element
	order *list.List
}

// routeAge is how long a route may be remembered, so that a conversation which was resolved
// meanwhile is reopened, or not, within a tenth of the time that decides it.
func routeAge(reopen time.Duration) time.Duration {
	return max(0, min(30*time.Second, reopen/10))
}

func newRoutes(now func() time.Time, age time.Duration) *routes {
	return &routes{now: now, age: age, all: map[string]*list.Element{}, order: list.New()}
}

// at forgets everything if persons were merged since.
func (r *routes) at(epoch int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch != r.epoch {
		r.epoch = epoch
		clear(r.all)
		r.order.Init()
	}
}

// get finds a route that still holds for what an event says of its person; nil: find out anew.
func (r *routes) get(key string, in *timeline.Inbound) *route {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.all[key]
	if !ok {
		return nil
	}
	t := e.Value.(*route)
	if r.now().Sub(t.at) > r.age || (in.Profile != nil && !reflect.DeepEqual(in.Profile, t.profile)) ||
		(len(in.Links) > 0 && !reflect.DeepEqual(in.Links, t.links)) {
		return nil
	}
	return t
}

// put remembers a route. It must not be changed afterwards.
func (r *routes) put(epoch int64, t *route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch != r.epoch || r.age == 0 {
		return
	}
	if e, ok := r.all[t.key]; ok {
		r.order.Remove(e)
	}
	r.all[t.key] = r.order.PushFront(t)
	for r.order.Len() > cachedRoutes {
		last := r.order.Back()
		delete(r.all, r.order.Remove(last).(*route).key)
	}
}
