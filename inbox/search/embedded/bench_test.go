package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/timeline"
)

// corpus makes messages as a shop's customers write them: 60 % English, 30 % Chinese, 10 % mixed, words by
// Zipf's law, ninety characters on average.
type corpus struct {
	r     *rand.Rand
	words []string
	han   []string
	zw    *rand.Zipf
	zh    *rand.Zipf
	n     int
	convs int
}

var common = strings.Fields("the order refund please where is my delivery hello thanks when will it arrive have not received package number account payment card invoice change address return broken damaged size colour shipping help problem cancel")

var commonHan = strings.Fields("订单 退款 什么 时候 发货 你好 谢谢 收到 没有 快递 地址 支付 会议 确认 问题 客服 商品 质量 发票 报告 请问 可以 帮我 我们 今天 明天 现在 怎么 需要 更换")

func newCorpus(convs int) *corpus {
	r := rand.New(rand.NewPCG(1, 2))
	c := &corpus{r: r, convs: convs, words: slices.Clone(common), han: slices.Clone(commonHan)}
	const consonants, vowels = "bcdfghjklmnprstvw", "aeiou"
	for len(c.words) < 60000 {
		var b strings.Builder
		for range 2 + r.IntN(3) {
			b.WriteByte(consonants[r.IntN(len(consonants))])
			b.WriteByte(vowels[r.IntN(len(vowels))])
		}
		if r.IntN(3) == 0 {
			b.WriteByte(consonants[r.IntN(len(consonants))])
		}
		c.words = append(c.words, b.String())
	}
	for len(c.han) < 20000 {
		c.han = append(c.han, string([]rune{rune(0x4e00 + r.IntN(3500)), rune(0x4e00 + r.IntN(3500))}))
	}
	c.zw = rand.NewZipf(r, 1.07, 8, uint64(len(c.words)-1))
	c.zh = rand.NewZipf(r, 1.05, 8, uint64(len(c.han)-1))
	return c
}

func (c *corpus) english(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = c.words[c.zw.Uint64()]
	}
	return strings.Join(out, " ")
}

func (c *corpus) chinese(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(c.han[c.zh.Uint64()])
		if i%6 == 5 {
			b.WriteString("，")
		}
	}
	return b.String()
}

func (c *corpus) text() string {
	switch k := c.r.IntN(10); {
	case k < 6:
		s := c.english(8 + c.r.IntN(16))
		if c.r.IntN(8) == 0 {
			s += " HO-" + strconv.Itoa(10000+c.r.IntN(90000))
		}
		return s + "."
	case k < 9:
		return c.chinese(8+c.r.IntN(24)) + "。"
	default:
		return c.chinese(6) + " " + strconv.Itoa(c.r.IntN(100000)) + " " + c.english(6)
	}
}

const benchStart = 1700000000000

func (c *corpus) message() search.Change {
	c.n++
	conv := c.r.IntN(c.convs)
	return search.Change{Doc: &search.Doc{Kind: search.Messages, ID: fmt.Sprintf("acct|msg:%016x", uint64(c.n)*0x9e3779b97f4a7c15), Rev: int64(c.n), Seq: int64(c.n),
		At: time.UnixMilli(benchStart + int64(c.n)*20000 + int64(c.r.IntN(20000))), Conversation: convID(conv), Account: timeline.AccountID("acct" + strconv.Itoa(conv%7)), Channel: "webchat",
		Direction: timeline.In, Attachment: c.n%20 == 0, Fields: []search.Field{{Name: "text", Text: c.text()}}}}
}

func convID(i int) timeline.ConversationID {
	return timeline.ConversationID(fmt.Sprintf("01JCONV%019d", i))
}

func (c *corpus) standing(i int) search.Change {
	s := &search.Standing{Conversation: convID(i), Rev: 1, Person: timeline.PersonID(fmt.Sprint("p", i)), State: timeline.Resolved,
		Assignee: timeline.AgentID("agent" + strconv.Itoa(i%200)), Team: timeline.TeamID("team" + strconv.Itoa(i%10))}
	if i%50 == 0 {
		s.State = timeline.Open
	}
	if i%3000 == 0 {
		s.Labels = []string{"vip"}
	}
	return search.Change{Standing: s}
}

func cpuTime(t testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestBench measures at PARLEY_BENCH_SEARCH messages, in PARLEY_BENCH_DIR where it names a
// folder that is kept between runs: how fast the index grows, how large it becomes, and how long
// searches take. It fails where the 95th percentile is over 20 ms.
func TestBench(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("PARLEY_BENCH_SEARCH"))
	if err != nil {
		t.Skip("set PARLEY_BENCH_SEARCH to a number of messages, such as 1000000")
	}
	dir := os.Getenv("PARLEY_BENCH_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	e, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	ctx := context.Background()
	c := newCorpus(max(n/10, 1))
	st, err := e.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.Docs[search.Messages] == 0 {
		benchFill(t, e, c, n)
	}
	if st, err = e.Stats(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("size: %.1f MiB for %d messages, %d bytes each", float64(st.Bytes)/(1<<20), n, st.Bytes/int64(n))
	benchLive(t, e, c)
	benchQueries(t, e)
}

func benchFill(t *testing.T, e *Engine, c *corpus, n int) {
	ctx := context.Background()
	var batch []search.Change
	begin := time.Now()
	var making time.Duration
	f, err := e.Begin(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	put := func() {
		if err := f.Put(ctx, batch); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
	for i := range c.convs {
		if batch = append(batch, c.standing(i)); len(batch) == 2000 {
			put()
		}
	}
	put()
	t.Logf("conversations: %.0f/s", float64(c.convs)/time.Since(begin).Seconds())
	begin = time.Now()
	cpu := cpuTime(t)
	for i := range n {
		m := time.Now()
		batch = append(batch, c.message())
		making += time.Since(m)
		if len(batch) == 2000 {
			put()
		}
		if i%200000 == 199999 {
			t.Logf("%d messages: %.0f/s", i+1, float64(i+1)/(time.Since(begin)-making).Seconds())
		}
	}
	put()
	took := time.Since(begin) - making
	tidy := time.Now()
	if err := f.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("merged in %s", time.Since(tidy).Round(time.Millisecond))
	t.Logf("filled: %d messages in %s, %.0f/s, %.0f µs of CPU each", n, took.Round(time.Millisecond), float64(n)/took.Seconds(),
		float64((cpuTime(t)-cpu-making).Microseconds())/float64(n))
}

func benchLive(t *testing.T, e *Engine, c *corpus) {
	ctx := context.Background()
	for _, run := range []int{1, 20, 200} {
		c.n = 60000000 + run*1000000 + int(time.Now().Unix()%100000)
		var took []time.Duration
		cpu, count := cpuTime(t), 0
		for len(took) < 40 {
			batch := make([]search.Change, run)
			for i := range batch {
				batch[i] = c.message()
			}
			begin := time.Now()
			if err := e.Apply(ctx, batch); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begin))
			count += run
		}
		slices.Sort(took)
		t.Logf("live, runs of %d: p50 %s p95 %s until found, %.0f µs of CPU a message", run, took[20].Round(time.Microsecond), took[37].Round(time.Microsecond),
			float64((cpuTime(t)-cpu).Microseconds())/float64(count))
	}
	var cpu, count = cpuTime(t), 0
	begin := time.Now()
	for i := range 200 {
		s := c.standing(i)
		s.Standing.Rev, s.Standing.Assignee = time.Now().UnixNano(), "somebody"
		if err := e.Apply(ctx, []search.Change{s}); err != nil {
			t.Fatal(err)
		}
		count++
	}
	t.Logf("assigning: %s each with the pace, %.0f µs of CPU", (time.Since(begin) / 200).Round(time.Microsecond), float64((cpuTime(t)-cpu).Microseconds())/float64(count))
}

func benchQueries(t *testing.T, e *Engine) {
	all := search.Scope{All: true}
	team := search.Scope{Team: true, Agent: "agent5", Teams: []timeline.TeamID{"team5"}}
	r := rand.New(rand.NewPCG(3, 4))
	c := newCorpus(10)
	pick := func(list []string, from, to int) func() string {
		return func() string { return list[from+r.IntN(to-from)] }
	}
	for _, q := range []struct {
		name   string
		text   func() string
		sort   search.Sort
		scope  search.Scope
		filter search.Filter
		goal   bool
	}{
		{"English, newest", pick(c.words, 0, 5000), search.Newest, all, search.Filter{}, true},
		{"English, relevance", pick(c.words, 0, 5000), search.Relevance, all, search.Filter{}, true},
		{"English common, newest", pick(common, 0, len(common)), search.Newest, all, search.Filter{}, true},
		{"English common, relevance", pick(common, 0, len(common)), search.Relevance, all, search.Filter{}, true},
		{"English two words, relevance", func() string { return pick(common, 0, 30)() + " " + pick(c.words, 0, 500)() }, search.Relevance, all, search.Filter{}, true},
		{"Chinese 2 characters, newest", pick(c.han, 0, 5000), search.Newest, all, search.Filter{}, true},
		{"Chinese 2 characters, relevance", pick(c.han, 0, 5000), search.Relevance, all, search.Filter{}, true},
		{"Chinese common, relevance", pick(commonHan, 0, len(commonHan)), search.Relevance, all, search.Filter{}, true},
		{"Chinese 4 characters, relevance", func() string { return pick(commonHan, 0, 30)() + pick(commonHan, 0, 30)() }, search.Relevance, all, search.Filter{}, true},
		{"Chinese 1 character", func() string { return string([]rune(pick(c.han, 0, 5000)())[:1]) }, search.Newest, all, search.Filter{}, false},
		{"typo", func() string { w := pick(common, 0, 30)(); return w[:len(w)/2] + w[len(w)/2+1:] }, search.Relevance, all, search.Filter{}, true},
		{"typing 3 letters", func() string { w := pick(c.words, 40, 5000)(); return w[:3] }, search.Relevance, all, search.Filter{}, true},
		{"typing 2 letters", func() string { w := pick(c.words, 40, 5000)(); return w[:2] }, search.Relevance, all, search.Filter{}, false},
		{"order number", func() string { return "HO-" + strconv.Itoa(10000+r.IntN(90000)) }, search.Newest, all, search.Filter{}, true},
		{"common, of my teams", pick(common, 0, 30), search.Newest, team, search.Filter{}, true},
		{"common, my own", pick(common, 0, 30), search.Newest, search.Scope{Agent: "agent7"}, search.Filter{}, true},
		{"common, of a label", pick(common, 0, 30), search.Relevance, all, search.Filter{Labels: []string{"vip"}}, true},
		{"common, open only", pick(common, 0, 30), search.Newest, all, search.Filter{States: []timeline.State{timeline.Open}}, true},
		{"common, of a person", pick(common, 0, 30), search.Newest, all, search.Filter{Person: "p77"}, true},
		{"common, a week long ago", pick(common, 0, 30), search.Newest, all, search.Filter{Since: time.UnixMilli(benchStart + 3e8), Until: time.UnixMilli(benchStart + 9e8)}, true},
	} {
		var took []time.Duration
		hits := 0
		for range 300 {
			begin := time.Now()
			res, err := e.Search(context.Background(), search.Query{Kind: search.Messages, Text: q.text(), Typing: true, Sort: q.sort, Scope: q.scope, Filter: q.filter})
			if err != nil {
				t.Fatal(q.name, err)
			}
			took = append(took, time.Since(begin))
			hits += len(res.Docs)
		}
		slices.Sort(took)
		p95 := took[len(took)*95/100]
		t.Logf("%-34s p50 %8s  p95 %8s  p99 %8s  %.1f hits", q.name, took[150].Round(10*time.Microsecond), p95.Round(10*time.Microsecond), took[297].Round(10*time.Microsecond), float64(hits)/300)
		if q.goal && p95 > 20*time.Millisecond {
			t.Errorf("%s: p95 is %s", q.name, p95)
		}
	}
}
