package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
)

// How long an answer is remembered, and after how long a request that never ended may be
// made again.
const (
	answerKept   = 24 * time.Hour
	abandonAfter = time.Minute
	maxKey       = 100 // bytes
)

// answerDoc is a remembered answer. Status 0: the request is being handled.
type answerDoc struct {
	ID        string    `json:"id" bson:"_id"`
	Print     string    `json:"print"` // SHA-256 of the request
	Status    int       `json:"status"`
	Type      string    `json:"type,omitempty"`
	Body      []byte    `json:"body,omitempty"`
	At        time.Time `json:"at"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// replay handles a request with an Idempotency-Key: the first does the work, a repeat
// gets the same answer. Refusals are not remembered: a corrected request may use the key.
func (s *Server) replay(ctx huma.Context, r Route, who *caller, key string, next func(huma.Context)) {
	if len(key) > maxKey {
		s.answer(who.fiber, r, invalid("Idempotency-Key", "use at most 100 bytes"))
		return
	}
	c := who.fiber
	sum := sha256.Sum256(append([]byte(c.Method()+" "+c.Path()+"\n"), c.Request().Body()...))
	now := s.now()
	doc := answerDoc{ID: string(who.Agent) + "|" + key, Print: hex.EncodeToString(sum[:]), At: now, ExpiresAt: now.Add(answerKept)}
	bg := ctx.Context()
	was, err := s.claim(bg, doc)
	if err != nil {
		s.answer(c, r, err)
		return
	}
	if was != nil {
		if err := s.repeat(c.Status(was.Status).Send, func(t string) { c.Set("Content-Type", t) }, was, doc); err != nil {
			s.answer(c, r, err)
		}
		return
	}
	next(ctx)
	if err := s.remember(bg, r, doc, c.Response().StatusCode(), string(c.Response().Header.ContentType()), c.Response().Body()); err != nil {
		s.Log.WarnContext(bg, "remembering an answer", "route", r.ID, "err", err)
	}
}

// claim takes a key for this request; was is the earlier request that has it.
func (s *Server) claim(ctx context.Context, doc answerDoc) (was *answerDoc, err error) {
	col := s.Store.C(store.Idempotency)
	for range 2 {
		err = col.Insert(ctx, doc)
		if err == nil || !store.IsDuplicate(err, "") {
			return nil, err
		}
		was = &answerDoc{}
		if err = col.One(ctx, bson.D{{Key: "_id", Value: doc.ID}}, was); err != nil {
			continue // it was forgotten between the two
		}
		abandoned := was.Status == 0 && doc.At.Sub(was.At) > abandonAfter
		if !abandoned && doc.At.Before(was.ExpiresAt) {
			return was, nil
		}
		if _, err = col.Delete(ctx, bson.D{{Key: "_id", Value: doc.ID}, {Key: "at", Value: was.At}}); err != nil {
			return nil, fmt.Errorf("api: taking over a key: %w", err)
		}
	}
	return was, err
}

func (s *Server) repeat(send func([]byte) error, setType func(string), was *answerDoc, doc answerDoc) error {
	switch {
	case was.Print != doc.Print:
		return problem("reused", "This key was used for a different request. Make a new one.")
	case was.Status == 0:
		return retryAfter(problem("in-progress", ""), time.Second)
	case was.Body == nil && was.Type == secretAnswer:
		return problem("conflict", "This was done already, and its answer holds a secret that is shown once.")
	}
	setType(was.Type)
	return send(was.Body)
}

// secretAnswer stands for an answer that is not kept.
const secretAnswer = "secret"

func (s *Server) remember(ctx context.Context, r Route, doc answerDoc, status int, kind string, body []byte) error {
	col := s.Store.C(store.Idempotency)
	id := bson.D{{Key: "_id", Value: doc.ID}}
	if status >= 300 {
		_, err := col.Delete(ctx, id)
		return err
	}
	set := bson.D{{Key: "status", Value: status}, {Key: "type", Value: secretAnswer}}
	if !r.Secret {
		set = bson.D{{Key: "status", Value: status}, {Key: "type", Value: kind}, {Key: "body", Value: append([]byte(nil), body...)}}
	}
	_, err := col.Update(ctx, id, bson.D{{Key: "$set", Value: set}})
	return err
}
