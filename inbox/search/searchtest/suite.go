// Package searchtest is the conformance suite of search engines: what must be found, by
// whom, and what not, whichever engine answers.
package searchtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/timeline"
)

// Open makes an empty engine that is closed when the test ends.
type Open func(t *testing.T) search.Engine

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *rig)
	}{
		{"words", words}, {"permissions", permissions}, {"filters", filters}, {"state changes", stateChanges},
		{"order and pages", pages}, {"edit", edit}, {"unsend", unsend}, {"erasure", erasure}, {"merge", merge},
		{"repeats and stale news", repeats}, {"kinds", kinds}, {"rebuild", rebuild}, {"freshness", freshness}, {"wrong place", wrongPlace},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, &rig{t: t, e: open(t)}) })
	}
}

// rig is an engine with something in it.
type rig struct {
	t *testing.T
	e search.Engine
}

// freshFor is how long a change may take to be found.
const freshFor = 10 * time.Second

var began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// conv says whose a conversation is.
func conv(id string, rev int64, change ...func(*search.Standing)) search.Change {
	s := &search.Standing{Conversation: timeline.ConversationID(id), Rev: rev, Person: timeline.PersonID("p-" + id), State: timeline.Open}
	for _, c := range change {
		c(s)
	}
	return search.Change{Standing: s}
}

// said is a message of a conversation; n is its seq, and minutes after the beginning.
func said(conv string, n int64, text string, change ...func(*search.Doc)) search.Change {
	d := &search.Doc{Kind: search.Messages, ID: fmt.Sprintf("acct|msg:%s-%d", conv, n), Rev: n, Seq: n, At: began.Add(time.Duration(n) * time.Minute),
		Conversation: timeline.ConversationID(conv), Account: "shop", Channel: "chat", Direction: timeline.In, Fields: []search.Field{{Name: "text", Text: text}}}
	for _, c := range change {
		c(d)
	}
	return search.Change{Doc: d}
}

func (r *rig) apply(cs ...search.Change) {
	r.t.Helper()
	if err := r.e.Apply(r.t.Context(), cs); err != nil {
		r.t.Fatal(err)
	}
}

var everybody = search.Scope{All: true}

func (r *rig) search(q search.Query) search.Results {
	r.t.Helper()
	if q.Kind == "" {
		q.Kind = search.Messages
	}
	res, err := r.e.Search(r.t.Context(), q)
	if err != nil {
		r.t.Fatalf("search %q: %v", q.Text, err)
	}
	return res
}

// ids are what a search finds, shortened: c1-2 is the message of seq 2 in c1.
func ids(res search.Results) []string {
	out := []string{}
	for _, d := range res.Docs {
		out = append(out, strings.TrimPrefix(d.ID, "acct|msg:"))
	}
	return out
}

// finds waits until a search finds exactly these, in any order.
func (r *rig) finds(q search.Query, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	var got []string
	ok := r.eventually(func() bool {
		got = ids(r.search(q))
		slices.Sort(got)
		return slices.Equal(got, want)
	})
	if !ok {
		r.t.Errorf("%q found %v, want %v", q.Text, got, want)
	}
}

func (r *rig) eventually(ok func() bool) bool {
	for end := time.Now().Add(freshFor); ; {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		select {
		case <-r.t.Context().Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// messages are what the cases of words look for, by seq.
var messages = []string{
	1:  "Hello, where is my order HO-20418? I paid on 2026-02-14.",
	2:  "王建国和李小龙在等退款，请确认一下会议时间",
	3:  "My refunds never arrived. Write to maya.hikes@example.org, please!",
	4:  "订单 1234 refund 什么时候到？",
	5:  "Grüße aus Zürich — die Rechnung fehlt, Señor Müller",
	6:  "Call me at +49 (170) 123-4567 tomorrow",
	7:  "東京タワーの近くで待っています。カメラを返品したい",
	8:  "배송이 언제 도착하나요? 환불해 주세요",
	9:  "請確認報告，謝謝",
	10: "the café is open; re-send the e-mail about invoice INV2026/0099",
	11: "Где мой заказ? Ещё не пришёл",
	12: "ＦＵＬＬ　ｗｉｄｔｈ　ｔｅｘｔ　４２",
	13: "please refund the shipping costs of my second order",
	14: "สวัสดีครับ สินค้าของฉันอยู่ที่ไหน",
}

// wordCases are what people type, and which messages they mean.
var wordCases = []struct {
	name, text string
	typing     bool
	want       []int
}{
	{"one word", "order", false, []int{1, 13}},
	{"capitals", "ORDER", false, []int{1, 13}},
	{"two words in any order", "order where", false, []int{1}},
	{"all words must be there", "order zürich", false, nil},
	{"exact phrase", `"my order"`, false, []int{1}},
	{"phrase in another order", `"order my"`, false, nil},
	{"phrase over a line's middle", `"second order"`, false, []int{13}},
	{"excluded word", "order -shipping", false, []int{1}},
	{"typo: a letter left out", "refnds", false, []int{3}},
	{"typo: letters swapped", "hlelo", false, []int{1}},
	{"typo: a letter too many", "shippping", false, []int{13}},
	{"typo: a letter changed", "tomorrov", false, []int{6}},
	{"no typo in quotes", `"shippping"`, false, nil},
	{"prefix while typing", "tomo", true, []int{6}},
	{"prefix of two letters", "ca", true, []int{6, 10}},
	{"only the last word is a prefix", "tomo call", true, nil},
	{"no prefix when not typing", "tomo", false, nil},
	{"Chinese name inside a longer one", "建国", false, []int{2}},
	{"Chinese name at the end", "小龙", false, []int{2}},
	{"Chinese two characters across words", "国和", false, []int{2}},
	{"Chinese one character", "龙", false, []int{2}},
	{"Chinese last character of a run", "间", false, []int{2}},
	{"Chinese three characters", "李小龙", false, []int{2}},
	{"Chinese five characters", "请确认一下", false, []int{2}},
	{"Chinese characters that are apart", "王龙", false, nil},
	{"Chinese words apart", "会议 退款", false, []int{2}},
	{"simplified finds traditional", "报告", false, []int{9}},
	{"traditional finds simplified", "確認", false, []int{2, 9}},
	{"mixed scripts", "订单 1234 refund", false, []int{4}},
	{"mixed scripts without spaces", "订单1234refund", false, []int{4}},
	{"Japanese kanji", "東京", false, []int{7}},
	{"Japanese katakana", "カメラ", false, []int{7}},
	{"Japanese across scripts", "京タワー", false, []int{7}},
	{"Japanese half-width katakana", "ｶﾒﾗ", false, []int{7}},
	{"Japanese hiragana", "近くで", false, []int{7}},
	{"Korean word", "배송이", false, []int{8}},
	{"Korean two syllables", "환불", false, []int{8}},
	{"Korean one syllable", "배", false, []int{8}},
	{"Thai", "สินค้า", false, []int{14}},
	{"diacritics left out", "zurich", false, []int{5}},
	{"diacritics typed", "zürich", false, []int{5}},
	{"decomposed diacritics", "zu\u0308rich", false, []int{5}},
	{"sharp s", "grusse", false, []int{5}},
	{"accent at the end", "cafe", false, []int{10}},
	{"tilde", "senor muller", false, []int{5}},
	{"Cyrillic", "заказ", false, []int{11}},
	{"Cyrillic yo", "еще", false, []int{11}},
	{"full width", "width 42", false, []int{12}},
	{"typed in full width", "ｏｒｄｅｒ", false, []int{1, 13}},
	{"e-mail address", "maya.hikes@example.org", false, []int{3}},
	{"e-mail address while typing", "maya.hikes@exam", true, []int{3}},
	{"part of an e-mail address", "hikes", false, []int{3}},
	{"domain", "example.org", false, []int{3}},
	{"phone number as written", "+49 (170) 123-4567", false, []int{6}},
	{"phone number in one", "491701234567", false, []int{6}},
	{"phone number with spaces", "+49 170 1234567", false, []int{6}},
	{"phone number from within the country", "0170 1234567", false, []int{6}},
	{"phone number from its middle", "1701234567", false, []int{6}},
	{"order number as written", "HO-20418", false, []int{1}},
	{"order number in one", "ho20418", false, []int{1}},
	{"order number with a space", "HO 20418", false, []int{1}},
	{"order number while typing", "HO-204", true, []int{1}},
	{"number of an order", "20418", false, []int{1}},
	{"number with a slash, written in one", "INV-2026-0099", false, []int{10}},
	{"another number", "HO-20419", false, nil},
	{"word with a hyphen", "email", false, []int{10}},
	{"hyphen that was not written", "re-fund", false, []int{4, 13}},
	{"nothing but signs", "?!", false, nil},
	{"what the language of an engine means by signs", `order OR AND NOT ( " * : ^ {`, false, nil},
	{"only what must not be there", "-order", false, nil},
}

// words looks for what was said, as people type it.
func words(t *testing.T, r *rig) {
	cs := []search.Change{conv("c1", 1)}
	for n := 1; n < len(messages); n++ {
		cs = append(cs, said("c1", int64(n), messages[n]))
	}
	r.apply(cs...)
	r.finds(search.Query{Text: "hello", Scope: everybody}, "c1-1")
	for _, c := range wordCases {
		for _, sort := range []search.Sort{search.Newest, search.Relevance} {
			t.Run(c.name+", "+string(sort), func(t *testing.T) {
				var want []string
				for _, n := range c.want {
					want = append(want, fmt.Sprint("c1-", n))
				}
				got := ids((&rig{t: t, e: r.e}).search(search.Query{Text: c.text, Typing: c.typing, Sort: sort, Scope: everybody}))
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%q found %v, want %v", c.text, got, want)
				}
			})
		}
	}
}

func with(f func(*search.Standing)) func(*search.Standing) { return f }

// permissions: who sees what is part of the query.
func permissions(_ *testing.T, r *rig) {
	own := func(agent timeline.AgentID, team timeline.TeamID) func(*search.Standing) {
		return with(func(s *search.Standing) { s.Assignee, s.Team = agent, team })
	}
	cs := []search.Change{conv("free", 1), conv("mine", 1, own("ada", "red")), conv("red", 1, own("bob", "red")), conv("blue", 1, own("bob", "blue")), conv("lent", 1, own("ada", "blue"))}
	for i, c := range []string{"free", "mine", "red", "blue", "lent"} {
		cs = append(cs, said(c, 2, "the parcel is lost", func(d *search.Doc) { d.At = d.At.Add(time.Duration(i) * time.Second) }))
	}
	for _, c := range []string{"free", "mine", "red", "blue", "lent"} {
		cs = append(cs, search.Change{Doc: &search.Doc{Kind: search.People, ID: "p-" + c, Rev: 1, At: began, Person: timeline.PersonID("p-" + c), Fields: []search.Field{{Name: "name", Text: "Parcel Person"}}}},
			search.Change{Doc: &search.Doc{Kind: search.Conversations, ID: c, Rev: 1, At: began, Conversation: timeline.ConversationID(c), Fields: []search.Field{{Name: "name", Text: "Parcel Person"}}}})
	}
	r.apply(cs...)
	for _, c := range []struct {
		scope search.Scope
		want  []string
	}{
		{everybody, []string{"free", "mine", "red", "blue", "lent"}},
		{search.Scope{Team: true, Agent: "ada", Teams: []timeline.TeamID{"red"}}, []string{"free", "mine", "red", "lent"}},
		{search.Scope{Team: true, Agent: "eve"}, []string{"free"}},
		{search.Scope{Agent: "ada"}, []string{"mine", "lent"}},
		{search.Scope{Agent: "eve"}, nil},
		{search.Scope{}, nil},
	} {
		for _, sort := range []search.Sort{search.Newest, search.Relevance} {
			for _, text := range []string{"parcel", ""} {
				r.finds(search.Query{Text: text, Sort: sort, Scope: c.scope}, suffixed(c.want, "-2")...)
				r.finds(search.Query{Kind: search.People, Text: text, Sort: sort, Scope: c.scope}, prefixed("p-", c.want)...)
				r.finds(search.Query{Kind: search.Conversations, Text: text, Sort: sort, Scope: c.scope}, c.want...)
			}
		}
	}
}

func suffixed(list []string, s string) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, x+s)
	}
	return out
}

func prefixed(p string, list []string) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, p+x)
	}
	return out
}

// filters narrow a search by each of their fields, and by several.
func filters(t *testing.T, r *rig) {
	r.apply(
		conv("a", 1, with(func(s *search.Standing) { s.Assignee, s.Team, s.Labels = "ada", "red", []string{"vip", "late"} })),
		conv("b", 1, with(func(s *search.Standing) { s.State, s.Labels = timeline.Resolved, []string{"vip"} })),
		conv("c", 1, with(func(s *search.Standing) { s.State, s.Assignee = timeline.Snoozed, "bob" })),
		said("a", 1, "parcel one"), said("a", 2, "parcel two", func(d *search.Doc) { d.Direction, d.Attachment = timeline.Out, true }),
		said("b", 3, "parcel three", func(d *search.Doc) { d.Channel, d.Account = "email", "mail" }),
		said("c", 4, "parcel four", func(d *search.Doc) { d.Account, d.Direction = "other", timeline.Internal }),
	)
	yes, no := true, false
	ada, nobody := timeline.AgentID("ada"), timeline.AgentID("")
	r.finds(search.Query{Text: "parcel", Scope: everybody}, "a-1", "a-2", "b-3", "c-4")
	for _, c := range []struct {
		name string
		f    search.Filter
		want []string
	}{
		{"channel", search.Filter{Channels: []string{"email"}}, []string{"b-3"}},
		{"accounts", search.Filter{Accounts: []timeline.AccountID{"mail", "other"}}, []string{"b-3", "c-4"}},
		{"assignee", search.Filter{Assignee: &ada}, []string{"a-1", "a-2"}},
		{"nobody", search.Filter{Assignee: &nobody}, []string{"b-3"}},
		{"team", search.Filter{Teams: []timeline.TeamID{"red"}}, []string{"a-1", "a-2"}},
		{"no team", search.Filter{Teams: []timeline.TeamID{""}}, []string{"b-3", "c-4"}},
		{"label", search.Filter{Labels: []string{"vip"}}, []string{"a-1", "a-2", "b-3"}},
		{"both labels", search.Filter{Labels: []string{"vip", "late"}}, []string{"a-1", "a-2"}},
		{"label nobody has", search.Filter{Labels: []string{"none"}}, nil},
		{"states", search.Filter{States: []timeline.State{timeline.Resolved, timeline.Snoozed}}, []string{"b-3", "c-4"}},
		{"direction", search.Filter{Direction: timeline.Out}, []string{"a-2"}},
		{"notes", search.Filter{Direction: timeline.Internal}, []string{"c-4"}},
		{"attachment", search.Filter{HasAttachment: &yes}, []string{"a-2"}},
		{"no attachment", search.Filter{HasAttachment: &no}, []string{"a-1", "b-3", "c-4"}},
		{"since", search.Filter{Since: began.Add(3 * time.Minute)}, []string{"b-3", "c-4"}},
		{"until", search.Filter{Until: began.Add(3 * time.Minute)}, []string{"a-1", "a-2"}},
		{"between", search.Filter{Since: began.Add(2 * time.Minute), Until: began.Add(4 * time.Minute)}, []string{"a-2", "b-3"}},
		{"person", search.Filter{Person: "p-b"}, []string{"b-3"}},
		{"conversation", search.Filter{Conversation: "a"}, []string{"a-1", "a-2"}},
		{"several", search.Filter{Labels: []string{"vip"}, Direction: timeline.In, States: []timeline.State{timeline.Open}}, []string{"a-1"}},
		{"signs in values", search.Filter{Labels: []string{`"' OR 1=1 --`}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{t: t, e: r.e}
			for _, text := range []string{"parcel", ""} {
				for _, sort := range []search.Sort{search.Newest, search.Relevance} {
					r.finds(search.Query{Text: text, Sort: sort, Filter: c.f, Scope: everybody}, c.want...)
				}
			}
		})
	}
}
