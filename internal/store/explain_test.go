package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func d(kv ...any) bson.D {
	out := bson.D{}
	for i := 0; i < len(kv); i += 2 {
		out = append(out, bson.E{Key: kv[i].(string), Value: kv[i+1]})
	}
	return out
}

var (
	newest = d("lastAt", -1, "_id", -1)
	cursor = bson.A{d("lastAt", d("$lt", time.Now())), d("lastAt", time.Now(), "_id", d("$lt", "x"))}
)

// hotQueries are the queries on the way of a message and of the inbox.
var hotQueries = []struct {
	name, collection string
	filter           bson.D
	sort             bson.D
	index            string // that must be used
	seeks            int
}{
	{"by id", store.Conversations, d("_id", "c"), nil, "id=?", 1},
	{"ids", store.Conversations, d("_id", d("$in", bson.A{"a", "b", "c"})), nil, "id=?", 1},
	{"compare and set", store.Conversations, d("_id", "c", "seq", 4), nil, "id=?", 1},
	{"list", store.Conversations, d("state", "open"), newest, "conversations.state", 1},
	{"list, next page", store.Conversations, d("state", "open", "$or", cursor), newest, "conversations.state", 2},
	{"list of two states", store.Conversations, d("state", d("$in", bson.A{"open", "snoozed"})), newest, "conversations.state", 2},
	{"list of two states, next page", store.Conversations, d("state", d("$in", bson.A{"open", "snoozed"}), "$or", cursor), newest, "conversations.state", 4},
	{"mine", store.Conversations, d("assignee", "a", "state", "open"), newest, "conversations.assignee", 1},
	{"mine, next page", store.Conversations, d("assignee", "a", "state", "open", "$or", cursor), newest, "conversations.assignee", 2},
	{"unassigned", store.Conversations, d("assignee", "", "state", "open"), newest, "conversations.assignee", 1},
	{"team", store.Conversations, d("team", "t", "state", "open"), newest, "conversations.team", 1},
	{"team, next page", store.Conversations, d("team", "t", "state", "open", "$or", cursor), newest, "conversations.team", 2},
	{"label", store.Conversations, d("labels", "vip", "state", "open"), newest, "PRIMARY KEY", 1},
	{"label, next page", store.Conversations, d("labels", "vip", "state", "open", "$or", cursor), newest, "PRIMARY KEY", 2},
	{"waiting longest", store.Conversations, d("state", "open", "waitingSince", d("$gt", time.Time{})), d("waitingSince", 1, "_id", 1), "conversations.waiting", 1},
	{"deadlines", store.Conversations, d("state", "open", "nextDeadline", d("$lte", time.Now())), d("nextDeadline", 1, "_id", 1), "conversations.deadline", 1},
	{"of a person", store.Conversations, d("person", "p"), newest, "conversations.person", 1},
	{"number", store.Conversations, d("number", 7), nil, "conversations.number", 1},
	{"newest events", store.Events, d("conversation", "c"), d("seq", -1), "events.seq", 1},
	{"events after", store.Events, d("conversation", "c", "seq", d("$gt", 40)), d("seq", 1), "events.seq", 1},
	{"events before", store.Events, d("conversation", "c", "seq", d("$lt", 40)), d("seq", -1), "events.seq", 1},
	{"one event", store.Events, d("conversation", "c", "seq", 4), nil, "events.seq", 1},
	{"leg's events after", store.Events, d("leg", "l", "conversation", "c", "seq", d("$gt", 3)), d("conversation", 1, "seq", 1), "events.leg", 1},
	{"leg's newest events", store.Events, d("leg", "l"), d("conversation", -1, "seq", -1), "events.leg", 1},
	{"leg's events before a cursor", store.Events, d("leg", "l", "$or", bson.A{d("conversation", d("$lt", "c")), d("conversation", "c", "seq", d("$lt", 9))}),
		d("conversation", -1, "seq", -1), "events.leg", 2},
	{"by remote id", store.Events, d("leg", "l", "remote", "r"), nil, "events.remote", 1},
	{"due steps", store.Steps, d("state", "queued", "dueAt", d("$lte", time.Now())), d("dueAt", 1, "_id", 1), "steps.state", 1},
	{"steps of a message", store.Steps, d("message", "m"), d("n", 1), "steps.message", 1},
	{"due timers", store.Timers, d("dueAt", d("$lte", time.Now())), d("dueAt", 1, "_id", 1), "timers.due", 1},
	{"identities of a person", store.Identities, d("person", "p"), d("_id", 1), "identities.person", 1},
	{"identity by value", store.Identities, d("identity.scheme", "email", "identity.value", "a@x"), nil, "identities.value", 1},
	{"persons, newest", store.Persons, d("lastAt", d("$lt", time.Now())), newest, "persons.recent", 1},
	{"merged persons", store.Persons, d("mergedInto", "p"), nil, "persons.merged", 1},
	{"suggestions", store.Suggestions, d("persons", "p"), nil, "PRIMARY KEY", 1},
	{"agent by address", store.Agents, d("email", "a@x"), nil, "agents.email", 1},
	{"expired sessions", store.Sessions, d("expiresAt", d("$lt", time.Now())), nil, "sessions.expires", 1},
	{"drafts", store.Drafts, d("agent", "a"), d("updatedAt", -1), "drafts.agent", 1},
	{"audit's end", store.Audit, d("seq", d("$gt", 0)), d("seq", -1), "audit.seq", 1},
}

func TestHotQueriesSeek(t *testing.T) {
	s := openEmbedded(t)
	for _, q := range hotQueries {
		t.Run(q.name, func(t *testing.T) {
			plans, err := store.Explain(s, q.collection, q.filter, store.Find{Sort: q.sort, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			if len(plans) != q.seeks {
				t.Errorf("%d seeks, want %d", len(plans), q.seeks)
			}
			for _, p := range plans {
				if !strings.HasPrefix(p, "SEARCH") || strings.Contains(p, "SCAN") || strings.Contains(p, "TEMP B-TREE") || !strings.Contains(p, q.index) {
					t.Errorf("plan: %s", p)
				}
			}
		})
	}
}
