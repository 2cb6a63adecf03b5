package journal

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/timeline"
)

// sink publishes nowhere; commands are kept for append.
type sink struct{ cs []timeline.Command }

func (s *sink) Journal(_ context.Context, cs ...timeline.Command) error {
	s.cs = append(s.cs, cs...)
	return nil
}
func (s *sink) Timeline(context.Context, ...timeline.Entry) error    { return nil }
func (s *sink) Outbound(context.Context, ...timeline.Outbound) error { return nil }

// cpu is the time all cores spent on this process.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkMessages resolves and appends customers' messages in runs, with 200 customers
// talking; one operation is one message. The embedded store commits to disk each time.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("run=%d", size), func(b *testing.B) {
			w := newWorld(b)
			out := &sink{}
			j, err := New(Deps{Store: w.store, Publish: out})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			next := func(size int) []bus.Record[timeline.Inbound] {
				ins := make([]timeline.Inbound, size)
				for i := range ins {
					ins[i] = says(fmt.Sprint("v", n%200), fmt.Sprint("m", n), n, "Hello, where is my parcel? It was to come on Monday.")
					n++
				}
				return records(ins)
			}
			handle := func(run []bus.Record[timeline.Inbound]) {
				out.cs = out.cs[:0]
				if err := j.Resolve(context.Background(), run); err != nil {
					b.Fatal(err)
				}
				if err := j.Append(context.Background(), records(out.cs)); err != nil {
					b.Fatal(err)
				}
			}
			handle(next(200)) // everybody is known
			before := cpu(b)
			b.ResetTimer()
			done := 0
			for ; done < b.N; done += size {
				handle(next(size))
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(done), "cpu-µs/msg")
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}
