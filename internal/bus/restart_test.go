package bus

import (
	"context"
	"testing"
	"time"
)

func TestCheckpointsComeSoonAfterAStart(t *testing.T) {
	for name, c := range map[string]struct{ up, want time.Duration }{
		"at the start": {0, checkpointSoon}, "a second later": {time.Second, checkpointSoon}, "from then on": {checkpointEarly, checkpointEvery},
	} {
		if got := saveAgain(c.up); got != c.want {
			t.Errorf("%s: after %v, want %v", name, got, c.want)
		}
	}
}

// TestABacklogBeginsWithShortRuns: a process that is killed soon must have finished a run.
func TestABacklogBeginsWithShortRuns(t *testing.T) {
	tp := topic("backlog")
	b := mustOpen(t, config(t, t.TempDir(), tp))
	notes := make([]note, 50*firstRun)
	for i := range notes {
		notes[i] = note{Key: "k", N: i}
	}
	must(t, Publish(context.Background(), b, tp, notes...))
	var got seen
	sizes := make(chan int, len(notes))
	must(t, Consume(b, tp, Consumer[note]{Group: "g", Workers: 1, MaxRun: 4 * firstRun}, func(ctx context.Context, run []Record[note]) error {
		sizes <- len(run)
		return got.handler(ctx, run)
	}))
	until(t, "all are handled", 20*time.Second, func() bool { return got.len() == len(notes) })
	for i, most := range []int{firstRun, 2 * firstRun, 4 * firstRun, 4 * firstRun} {
		if n := <-sizes; n > most {
			t.Errorf("run %d has %d records, want at most %d", i+1, n, most)
		}
	}
}
