package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
)

// Record is one line of the audit log. Hash covers everything else of the line and the
// line before it, so that none can be changed or taken out unnoticed.
type Record struct {
	ID      string            `json:"id" bson:"_id"`
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
	Actor   string            `json:"actor,omitempty"` // agent's id; empty: nobody signed in
	Name    string            `json:"name,omitempty"`  // of the actor, as it was then
	Action  string            `json:"action"`          // such as session.begin, agent.update
	Target  string            `json:"target,omitempty"`
	Data    map[string]string `json:"data,omitempty"` // never a secret
	Address string            `json:"address,omitempty"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

// hash is SHA-256 over the record's JSON without its own hash.
func (r Record) hash() string {
	r.Hash = ""
	data, err := json.Marshal(r)
	if err != nil { // strings, numbers and times always encode
		panic(fmt.Sprintf("auth: encoding an audit record: %v", err))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

type audit struct {
	store store.Store
	mu    sync.Mutex
}

// auditTries is how often a record is tried again when another node took its number.
const auditTries = 10

// Audit writes a line to the audit log; it fills in number, time and hashes.
func (s *Service) Audit(ctx context.Context, r Record) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	r.ID, r.At = s.newID(), s.now()
	for range auditTries {
		last, err := s.log.last(ctx)
		if err != nil {
			return err
		}
		r.Seq, r.Prev = last.Seq+1, last.Hash
		r.Hash = r.hash()
		err = s.store.C(store.Audit).Insert(ctx, r)
		if err == nil {
			return nil
		}
		if !store.IsDuplicate(err, "seq") {
			return fmt.Errorf("auth: writing the audit log: %w", err)
		}
	}
	return errors.New("auth: writing the audit log: too many writers at once")
}

func (a *audit) last(ctx context.Context) (Record, error) {
	var list []Record
	err := a.store.C(store.Audit).All(ctx, bson.D{{Key: "seq", Value: bson.D{{Key: "$gt", Value: int64(0)}}}}, &list,
		store.Find{Sort: bson.D{{Key: "seq", Value: -1}}, Limit: 1})
	if err != nil {
		return Record{}, fmt.Errorf("auth: reading the audit log: %w", err)
	}
	if len(list) == 0 {
		return Record{}, nil
	}
	return list[0], nil
}

// AuditLog reads lines before a number, the latest first; 0 is the end of the log.
func (s *Service) AuditLog(ctx context.Context, before int64, limit int) ([]Record, error) {
	bound := bson.D{{Key: "$gt", Value: int64(0)}}
	if before > 0 {
		bound = append(bound, bson.E{Key: "$lt", Value: before})
	}
	list := []Record{}
	err := s.store.C(store.Audit).All(ctx, bson.D{{Key: "seq", Value: bound}}, &list,
		store.Find{Sort: bson.D{{Key: "seq", Value: -1}}, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("auth: reading the audit log: %w", err)
	}
	return list, nil
}

// ErrAuditBroken is returned for an audit log that was changed after it was written.
var ErrAuditBroken = errors.New("auth: the audit log was changed")

// verifyPage is how many lines are checked at a time.
const verifyPage = 500

// VerifyAudit walks the whole log; its error, an ErrAuditBroken, names the first line that
// does not fit.
func (s *Service) VerifyAudit(ctx context.Context) error {
	var last Record
	for {
		var page []Record
		err := s.store.C(store.Audit).All(ctx, bson.D{{Key: "seq", Value: bson.D{{Key: "$gt", Value: last.Seq}}}}, &page,
			store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: verifyPage})
		if err != nil {
			return fmt.Errorf("auth: reading the audit log: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, r := range page {
			if r.Seq != last.Seq+1 || r.Prev != last.Hash || r.Hash != r.hash() {
				return fmt.Errorf("%w: line %d, or the one before it, is not as it was written", ErrAuditBroken, r.Seq)
			}
			last = r
		}
	}
}
