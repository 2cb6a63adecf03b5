package messenger

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// epoch is when the tests write.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// toMaya is a message to Maya, who wrote so long ago.
func toMaya(text string, ago time.Duration) timeline.Outbound {
	o := channeltest.Message(text)
	o.Thread.ID, o.To, o.At = maya, maya, epoch
	o.Opened = map[string]timeline.Window{openMessage: {At: epoch.Add(-ago)}}
	return o
}

// toComment is a message on the private thread that a comment allows.
func toComment(text string) timeline.Outbound {
	o := toMaya(text, 0)
	o.Opened = map[string]timeline.Window{openComment: {At: epoch.Add(-time.Hour), By: "555_1"}}
	return o
}

// inPublic is an answer below a comment.
func inPublic(text string) timeline.Outbound {
	o := toMaya(text, 0)
	o.Thread.ID, o.Place, o.To = commentThread+"555_1", Place, "555_1"
	return o
}

// call is what the far side was asked.
type call struct {
	method, path, query, body string
}

// recorder answers everything with one reply, and keeps what was asked.
func recorder(calls *[]call, reply ...channeltest.Reply) channeltest.Transport {
	return func(q *channeltest.Request) channeltest.Reply {
		query := q.URL.Query()
		query.Del("appsecret_proof")
		*calls = append(*calls, call{q.Method, strings.TrimPrefix(q.URL.Path, "/v25.0/"), query.Encode(), string(q.Body)})
		return reply[min(len(*calls), len(reply))-1]
	}
}

// did takes a message's first step and returns what was asked.
func did(t testing.TB, o timeline.Outbound) call {
	t.Helper()
	var calls []call
	s := opened(t, channeltest.NewHub().Far(recorder(&calls, channeltest.Reply{Body: `{"recipient_id":"1","message_id":"m_1","id":"555_2","success":true}`})))
	r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0])
	if r.Outcome != channels.Accepted || len(calls) != 1 {
		t.Fatalf("%s %v after %d calls", r.Outcome, r.Failure, len(calls))
	}
	return calls[0]
}

// window_closed_human, and window_closed_bot: the tag goes only with a person's message, and only
// after 24 hours.
func TestWindows(t *testing.T) {
	c := did(t, toMaya("hi", time.Hour))
	if c.path != page+"/messages" || c.body != `{"recipient":{"id":"`+maya+`"},"message":{"text":"hi"},"messaging_type":"RESPONSE"}` {
		t.Errorf("%+v", c)
	}
	if c := did(t, toMaya("hi", 48*time.Hour)); !strings.Contains(c.body, `"messaging_type":"MESSAGE_TAG","tag":"HUMAN_AGENT"`) {
		t.Errorf("%+v", c)
	}
	for name, c := range map[string]struct {
		ago  time.Duration
		by   timeline.ActorKind
		rule string
	}{"23:59:29": {24*time.Hour - 31*time.Second, timeline.ActorAssistant, "standard"}, "23:59:59 of a machine": {24*time.Hour - time.Second, timeline.ActorAssistant, ""},
		"23:59:59 of a person": {24*time.Hour - time.Second, timeline.ActorAgent, "human_agent"}, "a week of a person": {7 * 24 * time.Hour, timeline.ActorAgent, ""}} {
		rule, _, _ := Channel.Can.Allowed(toMaya("", c.ago).Opened, c.by, epoch)
		if rule.Name != c.rule {
			t.Errorf("window_boundary %s: %q", name, rule.Name)
		}
	}
	s := opened(t, channeltest.NewHub())
	st := metatest.Planned(t, &Channel, s, toMaya("hi", 48*time.Hour))[0]
	st.Outbound.Actor.Kind = timeline.ActorRule
	if r := s.Do(t.Context(), st); r.Outcome != channels.Rejected || r.Failure.Class != channels.WindowClosed {
		t.Errorf("%s %v", r.Outcome, r.Failure)
	}
}

// text_2001_chars, 汉字, and emoji ZWJ at the cut: pieces fit, are whole, and in order.
func TestLongText(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, text := range map[string]string{"text_2001_chars": strings.Repeat("a", maxText+1), "汉字": strings.Repeat("您", 3*maxText),
		"emoji ZWJ at the cut": strings.Repeat("a", maxText-2) + strings.Repeat("👩‍👩‍👧", 10)} {
		whole := ""
		for _, st := range metatest.Planned(t, &Channel, s, toMaya(text, 0)) {
			if n := utf8.RuneCountInString(st.Text); n > maxText || strings.HasPrefix(st.Text, "\u200d") {
				t.Errorf("%s: %d characters", name, n)
			}
			whole += st.Text
		}
		if whole != text {
			t.Errorf("%s: the pieces are not the text", name)
		}
	}
}

func TestButtons(t *testing.T) {
	o := toMaya("choose", 0)
	o.Message.Buttons = []timeline.Button{{Kind: "reply", Title: "Red", Value: "R"}, {Kind: "reply", Title: "Blue"}}
	if c := did(t, o); !strings.Contains(c.body, `"quick_replies":[{"content_type":"text","payload":"R","title":"Red"},{"content_type":"text","payload":"Blue","title":"Blue"}],"text":"choose"`) {
		t.Errorf("%+v", c)
	}
	o.Message.Buttons = []timeline.Button{{Kind: "link", Title: "Open", Value: "https://x.example"}}
	if c := did(t, o); !strings.Contains(c.body, `"buttons":[{"title":"Open","type":"web_url","url":"https://x.example"}],"template_type":"button","text":"choose"`) {
		t.Errorf("%+v", c)
	}
	s := opened(t, channeltest.NewHub())
	many := func(n int, kind string) (out []timeline.Button) {
		for range n {
			out = append(out, timeline.Button{Kind: kind, Title: "x", Value: "https://x.example"})
		}
		return out
	}
	for name, c := range map[string]struct {
		text    string
		buttons []timeline.Button
		words   string
	}{"quick_reply_14": {"x", many(14, "reply"), "At most 13"}, "button_4": {"x", many(4, "link"), "At most 3"}, "title_21_chars": {"x", []timeline.Button{{Title: strings.Repeat("a", 21)}}, "1 to 20"},
		"both": {"x", append(many(1, "reply"), many(1, "link")...), "either"}, "no text": {"", many(1, "reply"), "text above"}, "no address": {"x", []timeline.Button{{Kind: "link", Title: "a", Value: "x"}}, "web address"}} {
		t.Run(name, func(t *testing.T) {
			o := toMaya(c.text, 0)
			o.Message.Buttons = c.buttons
			metatest.RefusedAs(t, s, o, channels.BadContent, c.words)
		})
	}
	o.Message.Text = strings.Repeat("b", maxText+maxTemplate+5)
	steps := metatest.Planned(t, &Channel, s, o)
	if last := steps[len(steps)-1]; utf8.RuneCountInString(last.Text) > maxTemplate || last.Data[dataButtons] == "" {
		t.Errorf("%d steps, the last of %d", len(steps), len(last.Text))
	}
}

// echo_two_parts: a text and a file are two messages there; the far side fetches the file from us,
// and is given a second link where it says it could not (media_url_fetch).
func TestSendParts(t *testing.T) {
	hub := channeltest.NewHub()
	p, err := hub.Files().Put(t.Context(), "a.png", strings.NewReader("\x89PNG\r\n\x1a\n"+strings.Repeat("0", 40)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	fetch := channeltest.Reply{Status: 400, Body: `{"error":{"code":100,"error_subcode":2018008,"message":"Failed to fetch"}}`}
	hub.Far(recorder(&calls, fetch, channeltest.Reply{Body: `{"message_id":"m_1"}`}))
	s := opened(t, hub)
	o := toMaya("look", 0)
	o.Message.Parts = []timeline.Part{p}
	steps := metatest.Planned(t, &Channel, s, o)
	if len(steps) != 2 || steps[0].Text != "look" {
		t.Fatalf("%+v", steps)
	}
	if r := s.Do(t.Context(), steps[1]); r.Outcome != channels.Accepted || len(calls) != 2 {
		t.Errorf("%s %v after %d calls", r.Outcome, r.Failure, len(calls))
	}
	if want := `"attachment":{"payload":{"is_reusable":false,"url":"https://files.invalid/F1"},"type":"image"}`; !strings.Contains(calls[0].body, want) {
		t.Error(calls[0].body)
	}
	for name, c := range map[string]timeline.Part{"sticker": {Kind: "sticker", File: "F1"}, "gone": {Kind: "image", Name: "gone"}} {
		o.Message.Parts = []timeline.Part{c}
		metatest.RefusedAs(t, s, o, channels.BadMedia, name)
	}
	o.Message.Parts = make([]timeline.Part, maxParts+1)
	metatest.RefusedAs(t, s, o, channels.BadMedia, "10 files")
}

func TestReact(t *testing.T) {
	o := toMaya("", 0)
	o.Message, o.Reaction = nil, &timeline.Reaction{Of: timeline.Ref{Remote: "m_x"}, Emoji: "❤"}
	if c := did(t, o); !strings.Contains(c.body, `"sender_action":"react","payload":{"message_id":"m_x","reaction":"love"}`) {
		t.Errorf("%+v", c)
	}
	o.Reaction.Removed = true
	if c := did(t, o); !strings.Contains(c.body, `"sender_action":"unreact","payload":{"message_id":"m_x"}`) {
		t.Errorf("%+v", c)
	}
	o.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: "m_x"}, Emoji: "🦊"}
	metatest.RefusedAs(t, opened(t, channeltest.NewHub()), o, channels.BadContent, "only these")
}

// A comment is answered in public below its top-level one, and once in private.
func TestComments(t *testing.T) {
	if c := did(t, inPublic("49 €")); c.path != "555_1/comments" || c.body != (url.Values{"message": {"49 €"}}).Encode() {
		t.Errorf("%+v", c)
	}
	if c := did(t, toComment("Let us talk here.")); !strings.Contains(c.body, `"recipient":{"comment_id":"555_1"}`) {
		t.Errorf("%+v", c)
	}
	s := opened(t, channeltest.NewHub())
	long := inPublic(strings.Repeat("a", maxComment+1))
	metatest.RefusedAs(t, s, long, channels.BadContent, "at most 8000")
	metatest.RefusedAs(t, s, inPublic(" "), channels.BadContent, "needs a text")
	metatest.RefusedAs(t, s, toComment(strings.Repeat("a", maxText+1)), channels.BadContent, "one message")
	o := toComment("x")
	o.Message.Parts = []timeline.Part{{Kind: "image", File: "F1"}}
	metatest.RefusedAs(t, s, o, channels.BadContent, "one text")
	bad := inPublic("x")
	bad.Thread.ID = commentThread + "../me"
	metatest.RefusedAs(t, s, bad, channels.Misconfigured, "names no comment")
	// Once she has written, the private thread is a thread like any other.
	both := toComment("x")
	both.Opened[openMessage] = timeline.Window{At: epoch.Add(-time.Minute)}
	if st := metatest.Planned(t, &Channel, s, both)[0]; st.Kind != stepSend {
		t.Errorf("%+v", st)
	}
}

// private_reply_twice: on the first try nobody knows whether the answer before it was ours.
func TestPrivateReplyTwice(t *testing.T) {
	no := channeltest.Reply{Status: 400, Body: `{"error":{"code":100,"error_subcode":2534025,"message":"invalid for a private reply"}}`}
	var calls []call
	s := opened(t, channeltest.NewHub().Far(recorder(&calls, no)))
	for attempt, want := range map[int]channels.Outcome{1: channels.Unsure, 2: channels.Rejected} {
		o := toComment("x")
		o.Attempt = attempt
		if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != want || r.Failure.Class != channels.QuotaSpent {
			t.Errorf("attempt %d: %s %v", attempt, r.Outcome, r.Failure)
		}
	}
	if rule := Channel.Can.Windows[2]; rule.Max != 1 || rule.For >= 7*24*time.Hour {
		t.Errorf("after_7_days: %+v", rule)
	}
}

func TestModerate(t *testing.T) {
	for action, want := range map[string]call{timeline.ModerateHide: {"POST", "555_1", "is_hidden=true", ""}, timeline.ModerateUnhide: {"POST", "555_1", "is_hidden=false", ""}, timeline.ModerateDelete: {"DELETE", "555_1", "", ""}} {
		o := inPublic("")
		o.Message, o.Moderation = nil, &timeline.Moderation{Of: timeline.Ref{Remote: "555_1"}, Action: action, State: timeline.ModerationAsked}
		if c := did(t, o); c != want {
			t.Errorf("%s: %+v", action, c)
		}
		o.Place = ""
		metatest.RefusedAs(t, opened(t, channeltest.NewHub()), o, channels.BadContent, "Only comments")
	}
}

// not_thread_owner: the thread is taken, or asked for, and the agent is told which.
func TestNotThreadOwner(t *testing.T) {
	no := channeltest.Reply{Status: 400, Body: `{"error":{"code":10,"error_subcode":2018300,"message":"another app is controlling this thread"}}`}
	yes := channeltest.Reply{Body: `{"success":true}`}
	for words, replies := range map[string][]channeltest.Reply{"ours now": {no, yes}, "asked for it": {no, no, yes}, "does not give it up": {no}} {
		var calls []call
		s := opened(t, channeltest.NewHub().Far(recorder(&calls, replies...)))
		r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x", 0))[0])
		if r.Outcome != channels.Rejected || r.Failure.Class != channels.NotOwner || !strings.Contains(r.Failure.Advice, words) {
			t.Errorf("%s: %s %v", words, r.Outcome, r.Failure)
		}
	}
}

// send_timeout_after_write: the conversation is asked; the oldest of ours that says the same is it.
func TestFind(t *testing.T) {
	reply := `{"data":[{"messages":{"data":[
{"id":"m_late","created_time":"2026-03-04T05:09:00+0000","from":{"id":"` + page + `"},"message":"hello  there"},
{"id":"m_ours","created_time":"2026-03-04T05:06:10+0000","from":{"id":"` + page + `"},"message":"hello there"},
{"id":"m_hers","created_time":"2026-03-04T05:06:09+0000","from":{"id":"` + maya + `"},"message":"hello there"},
{"id":"m_file","created_time":"2026-03-04T05:06:11+0000","from":{"id":"` + page + `"},"message":"","attachments":{"data":[{"mime_type":"image/png"}]}},
{"id":"m_old","created_time":"2026-03-04T05:00:00+0000","from":{"id":"` + page + `"},"message":"hello there"}]}}]}`
	var calls []call
	s := opened(t, channeltest.NewHub().Far(recorder(&calls, channeltest.Reply{Body: reply})))
	find := func(o timeline.Outbound) (timeline.RemoteID, bool) {
		id, ok, err := s.(channels.Reconciler).Find(t.Context(), metatest.Planned(t, &Channel, s, o)[0], epoch)
		if err != nil {
			t.Fatal(err)
		}
		return id, ok
	}
	if id, ok := find(toMaya("hello there", 0)); id != "m_ours" || !ok {
		t.Error(id, ok)
	}
	if _, ok := find(toMaya("never said", 0)); ok {
		t.Error("found what was never said")
	}
	o := toMaya("", 0)
	o.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, URL: "https://x.example/a.png"}}
	if id, _ := find(o); id != "m_file" {
		t.Error(id)
	}
	if !strings.Contains(calls[0].query, "platform=messenger") || !strings.Contains(calls[0].query, "user_id="+maya) {
		t.Errorf("%+v", calls[0])
	}
}

func TestTyping(t *testing.T) {
	var calls []call
	s := opened(t, channeltest.NewHub().Far(recorder(&calls, channeltest.Reply{Body: `{}`})))
	for _, on := range []bool{true, false} {
		if err := s.(channels.Typist).Typing(t.Context(), timeline.Thread{}, maya, on); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(calls[0].body, "typing_on") || !strings.Contains(calls[1].body, "typing_off") {
		t.Errorf("%+v", calls)
	}
}

// attachment_url_expired_at_download: the message is asked for the present address.
func TestFetch(t *testing.T) {
	hub := channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		switch q.URL.Path {
		case "/v25.0/m_1":
			return channeltest.Reply{Body: `{"attachments":{"data":[{"image_data":{"url":"https://cdn.example/fresh"}},{"file_url":"https://cdn.example/page"}]}}`}
		case "/fresh":
			if q.Header.Get("Authorization") != "" {
				t.Error("the token left the API")
			}
			return channeltest.Reply{Body: "bytes"}
		case "/page":
			return channeltest.Reply{Header: http.Header{"Content-Type": {"text/html"}}, Body: "<p>gone"}
		}
		return channeltest.Reply{Status: 400, Body: `{"error":{"code":100,"error_subcode":33,"message":"gone"}}`}
	})
	s := opened(t, hub).(channels.Fetcher)
	r, err := s.Fetch(t.Context(), timeline.Part{Remote: "m_1#0"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "bytes" || r.Close() != nil {
		t.Errorf("%q %v", b, err)
	}
	for name, p := range map[string]timeline.Part{"a page": {Remote: "m_1#1"}, "no such part": {Remote: "m_1#9"}, "deleted": {Remote: "m_2#0"}, "no name": {Remote: "x"}} {
		var problem *channels.Problem
		if _, err := s.Fetch(t.Context(), p, 100); !errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Fetch(t.Context(), timeline.Part{URL: "https://cdn.example/fresh"}, 3); err == nil {
		t.Error("content_length lies: five bytes are more than three")
	}
}
