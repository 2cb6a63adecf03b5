package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
)

func TestTheAuditTrailIsCheckedOnceADay(t *testing.T) {
	var says error
	looks := 0
	verify := func(context.Context) error { looks++; return says }
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var tr trail
	check := func(after time.Duration, err error) string {
		now, says = now.Add(after), err
		tr.check(t.Context(), verify, now, slog.New(slog.DiscardHandler))
		return tr.broken()
	}
	broken := fmt.Errorf("%w: line 3", auth.ErrAuditBroken)
	for i, step := range []struct {
		after time.Duration
		err   error
		why   bool
		looks int
	}{
		{0, store.ErrUnavailable, false, 1},
		{time.Minute, nil, false, 2},
		{time.Minute, broken, false, 2}, // not due
		{trailEvery, broken, true, 3},
		{trailEvery, store.ErrUnavailable, true, 4}, // it stays what was found
		{time.Minute, nil, false, 5},
	} {
		if why := check(step.after, step.err); (why != "") != step.why || looks != step.looks {
			t.Errorf("step %d: %q after %d looks", i, why, looks)
		}
	}
}

func TestAuditVerify(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PARLEY_DATA", dir)
	run := func() (string, error) {
		var out bytes.Buffer
		err := dispatch(t.Context(), []string{"audit", "verify"}, &out)
		return out.String(), err
	}
	var create bytes.Buffer
	if err := dispatch(t.Context(), []string{"agent", "create", "--email", "priya@example.org"}, &create); err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err != nil || !strings.Contains(out, "whole") {
		t.Fatalf("%q, %v", out, err)
	}
	s, err := store.OpenEmbedded(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 { // what an intruder would write
		err := s.C(store.Audit).Insert(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprint("x", n)}, {Key: "seq", Value: int64(1000 + n)}, {Key: "hash", Value: "forged"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := run(); !errors.Is(err, auth.ErrAuditBroken) {
		t.Errorf("a forged log: %v", err)
	}
	if err := dispatch(t.Context(), []string{"audit", "verify", "now"}, &create); err == nil {
		t.Error("a word too many is taken")
	}
}
