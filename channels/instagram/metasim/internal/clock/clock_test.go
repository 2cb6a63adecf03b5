package clock

import (
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestFrozenClockMovesOnlyWhenTold(t *testing.T) {
	c := New(start, 0)
	defer c.Close()
	if !c.Now().Equal(start) {
		t.Fatalf("frozen clock says %v", c.Now())
	}
	c.Advance(25 * time.Hour)
	if want := start.Add(25 * time.Hour); !c.Now().Equal(want) {
		t.Fatalf("after an advance %v, want %v", c.Now(), want)
	}
}

func TestTimersFollowAnAdvance(t *testing.T) {
	c := New(start, 0)
	defer c.Close()
	fired := make(chan string, 2)
	c.AfterFunc(36*time.Hour, func() { fired <- "late" })
	c.AfterFunc(time.Hour, func() { fired <- "early" })
	c.Advance(2 * time.Hour)
	if got := wait(t, fired); got != "early" {
		t.Fatalf("fired %s", got)
	}
	c.Set(start.Add(37 * time.Hour))
	if got := wait(t, fired); got != "late" {
		t.Fatalf("fired %s", got)
	}
}

func TestScaledClockRunsFast(t *testing.T) {
	c := New(start, 100_000)
	defer c.Close()
	fired := make(chan string, 1)
	c.AfterFunc(time.Hour, func() { fired <- "hour" })
	wait(t, fired)
	if c.Now().Sub(start) < time.Hour {
		t.Fatalf("a timer of an hour fired at %v", c.Now())
	}
}

func wait(t *testing.T, ch <-chan string) string {
	t.Helper()
	select {
	case s := <-ch:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("no timer fired")
		return ""
	}
}
