package journal

import (
	"time"

	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// message is an event as the store keeps it. Folds counts the changes folded into it: a
// change is a compare-and-set on it, so that two writers cannot undo one another's.
type message struct {
	timeline.Event `bson:",inline"`
	Folds          int64 `json:"folds,omitempty"`
}

// waiting is an event whose message is not there yet.
type waiting struct {
	ID           timeline.EventID        `json:"id" bson:"_id"`
	Conversation timeline.ConversationID `json:"conversation"`
	Event        timeline.Event          `json:"event"`
	At           time.Time               `json:"at"`
}

// alias names a message of ours by a further id of the far side's.
type alias struct {
	ID           string                  `json:"id" bson:"_id"` // leg|remote
	Event        timeline.EventID        `json:"event"`
	Conversation timeline.ConversationID `json:"conversation"`
}

func aliasID(leg timeline.LegID, r timeline.RemoteID) string { return string(leg) + "|" + string(r) }

// head says which conversation a person's next message in a queue belongs to.
type head struct {
	ID           string                  `json:"id" bson:"_id"` // person|queue
	Person       timeline.PersonID       `json:"person"`
	Queue        string                  `json:"queue"`
	Conversation timeline.ConversationID `json:"conversation"`
	Number       int64                   `json:"number"`
	At           time.Time               `json:"at"`
}

func headID(p timeline.PersonID, queue string) string { return string(p) + "|" + queue }

// thread remembers the conversation a thread was last attached to.
type thread struct {
	ID           string                  `json:"id" bson:"_id"` // the thread's key
	Conversation timeline.ConversationID `json:"conversation"`
	At           time.Time               `json:"at"`
}

func byID[T ~string](id T) bson.D { return bson.D{{Key: "_id", Value: string(id)}} }

func idIn[T ~string](ids []T) bson.D { return bson.D{in("_id", ids)} }

func in[T ~string](field string, vs []T) bson.E {
	a := make(bson.A, len(vs))
	for i, v := range vs {
		a[i] = string(v)
	}
	return bson.E{Key: field, Value: bson.D{{Key: "$in", Value: a}}}
}

func set(fields ...bson.E) bson.D { return bson.D{{Key: "$set", Value: bson.D(fields)}} }
