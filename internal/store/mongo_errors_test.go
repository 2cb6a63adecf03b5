package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

func rawOf(t *testing.T, doc bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDuplicatesToldByPattern(t *testing.T) {
	spec := Spec{Name: Events, Indexes: []Index{{Name: "seq", Fields: []string{"conversation", "seq"}, Unique: true}, {Name: "plain", Fields: []string{"leg"}}}}
	c := &mongoCollection{spec: spec, shapes: shapesOf(spec)}
	pattern := func(d bson.D) bson.Raw {
		return rawOf(t, bson.D{{Key: "code", Value: 11000}, {Key: "keyPattern", Value: d}})
	}
	id, seq := pattern(bson.D{{Key: "_id", Value: 1}}), pattern(bson.D{{Key: "conversation", Value: 1}, {Key: "seq", Value: 1}})
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"insert, id":         {mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 11000, Raw: id}}}, "_id_"},
		"insert, index":      {mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 11000, Raw: seq}}}, "seq"},
		"command":            {mongo.CommandError{Code: 11000, Raw: seq}, "seq"},
		"older code":         {mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 11001, Raw: seq}}}, "seq"},
		"capped's code":      {mongo.CommandError{Code: 12582, Raw: id}, "_id_"},
		"words mean nothing": {mongo.CommandError{Code: 11000, Message: "E11000 index: seq_1 dup key"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var d *DuplicateError
			if err := c.fail(context.Background(), nil, tc.err); !errors.As(err, &d) || d.Index != tc.want || d.Collection != Events {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnavailableToldByCode(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"not primary": {mongo.CommandError{Code: 10107}, true}, "shutting down": {mongo.CommandError{Code: 91}, true},
		"no majority in time": {mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, true},
		"network":             {mongo.CommandError{Labels: []string{"NetworkError"}}, true},
		"deadline":            {fmt.Errorf("wait: %w", context.DeadlineExceeded), true},
		"disconnected":        {mongo.ErrClientDisconnected, true},
		"refused":             {mongo.CommandError{Code: 2, Message: "not primary"}, false},
	} {
		if got := errors.Is(mongoError("c", tc.err), ErrUnavailable); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
