package instagram

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// toMaya is a message of an agent within the standard window.
func toMaya(text string) timeline.Outbound {
	return timeline.Outbound{ID: "m1", Conversation: "c1", Channel: Kind, Thread: timeline.Thread{Account: channeltest.Account, ID: maya}, To: maya, Attempt: 1,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1"}, Message: &timeline.Message{Text: text}, At: now,
		Opened: map[string]timeline.Window{openMessage: {At: now.Add(-time.Hour), By: "m0"}}}
}

// calls are what a session asked of the far side.
type calls struct {
	paths  []string
	bodies []string
	auth   []string
}

// answering is a hub whose far side answers from a list, the last one for ever.
func answering(c *calls, replies ...channeltest.Reply) *channeltest.Hub {
	return channeltest.NewHub().At(now).Far(func(q *channeltest.Request) channeltest.Reply {
		c.paths = append(c.paths, q.Method+" "+q.URL.Path+queryOf(q.URL.Query()))
		c.bodies = append(c.bodies, string(q.Body))
		c.auth = append(c.auth, q.Header.Get("Authorization"))
		return replies[min(len(c.paths), len(replies))-1]
	})
}

// queryOf is a query without the proof, which differs with every token.
func queryOf(q url.Values) string {
	q.Del("appsecret_proof")
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func said(body string) channeltest.Reply { return channeltest.Reply{Body: body} }

func failed(status, code, sub int) channeltest.Reply {
	return channeltest.Reply{Status: status, Body: fmt.Sprintf(`{"error":{"message":"no","code":%d,"error_subcode":%d}}`, code, sub)}
}

func failure(t *testing.T, err error) *channels.Failure {
	t.Helper()
	var f *channels.Failure
	if !errors.As(err, &f) || f.Advice == "" {
		t.Fatalf("%v is no failure with advice", err)
	}
	return f
}

func TestSendText(t *testing.T) {
	var c calls
	s := opened(t, answering(&c, said(`{"recipient_id":"`+maya+`","message_id":"mid.1"}`)))
	r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("您好"))[0])
	if r.Outcome != channels.Accepted || r.Remote != "mid.1" {
		t.Fatalf("%+v", r)
	}
	if c.paths[0] != "POST /v25.0/"+me+"/messages" || c.bodies[0] != `{"recipient":{"id":"`+maya+`"},"message":{"text":"您好"}}` || c.auth[0] != "Bearer "+token {
		t.Errorf("%q", c)
	}
}

func TestSendWithFacebookLogin(t *testing.T) {
	var proof, host string
	hub := channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		proof, host = q.URL.Query().Get("appsecret_proof"), q.URL.Host
		return said(`{"message_id":"m"}`)
	})
	s := opened(t, hub, "flavour", "facebook", "pageId", "777")
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0]); r.Outcome != channels.Accepted {
		t.Fatalf("%+v", r)
	}
	if proof != meta.Proof(secret, token) || host != "graph.facebook.com" {
		t.Error(proof, host)
	}
}

// A text of a million marks on one letter is cut in a moment.
func TestSplitsAbsurdText(t *testing.T) {
	text, began := "a"+strings.Repeat("\u0301", 500_000), time.Now()
	if got := strings.Join(limits.Pieces(text, true), ""); got != text {
		t.Error("the pieces are not the text")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// text_1001_bytes, 334 汉字, emoji ZWJ at the cut: pieces of at most 1000 bytes, no character torn.
func TestSplitsText(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, c := range map[string]struct {
		text   string
		pieces int
	}{
		"text_1000_bytes":      {strings.Repeat("a", 1000), 1},
		"text_1001_bytes":      {strings.Repeat("a", 1001), 2},
		"333 汉字":               {strings.Repeat("汉", 333), 1},
		"334 汉字":               {strings.Repeat("汉", 334), 2},
		"emoji ZWJ at the cut": {strings.Repeat("a", 990) + "👩‍👩‍👧‍👦" + "b", 2},
		"flags":                {strings.Repeat("🇩🇪", 300), 3},
		"words are kept whole": {strings.Repeat("a", 900) + " " + strings.Repeat("b", 200), 2},
		"one absurd grapheme":  {"a" + strings.Repeat("\u0301", 2000), 5},
		"blank":                {" \n ", 0},
	} {
		t.Run(name, func(t *testing.T) {
			ps := limits.Pieces(c.text, false)
			if len(ps) != c.pieces {
				t.Fatalf("%d pieces", len(ps))
			}
			for _, p := range ps {
				if len(p) > maxText || !utf8.ValidString(p) {
					t.Errorf("%d bytes, %q…", len(p), p[:20])
				}
			}
			if c.pieces > 0 && strings.Join(ps, "") != c.text {
				t.Error("the pieces are not the text")
			}
		})
	}
	if ps := limits.Pieces(strings.Repeat("a", 990)+"👩‍👩‍👧‍👦"+"b", false); ps[1] != "👩‍👩‍👧‍👦b" {
		t.Errorf("%q", ps[1])
	}
	if ps := limits.Pieces(strings.Repeat("a", 900)+" "+strings.Repeat("b", 200), false); ps[1] != strings.Repeat("b", 200) {
		t.Errorf("%q", ps[1])
	}
	if steps := metatest.Planned(t, &Channel, s, toMaya(strings.Repeat("a", 2500))); len(steps) != 3 || steps[2].Key != "m1/2" {
		t.Error(len(steps))
	}
}

// quick_reply_14, title_21_chars, button_4: refused before anything is sent.
func TestButtonLimits(t *testing.T) {
	s := opened(t, channeltest.NewHub()).(channels.Planner)
	some := func(n int, kind, title, value string) (out []timeline.Button) {
		for range n {
			out = append(out, timeline.Button{Kind: kind, Title: title, Value: value})
		}
		return out
	}
	for name, c := range map[string]struct {
		text    string
		buttons []timeline.Button
		ok      bool
	}{
		"quick_reply_13":    {"pick", some(13, "reply", "Red", ""), true},
		"quick_reply_14":    {"pick", some(14, "reply", "Red", ""), false},
		"title_20_chars":    {"pick", some(1, "reply", strings.Repeat("字", 20), ""), true},
		"title_21_chars":    {"pick", some(1, "reply", strings.Repeat("字", 21), ""), false},
		"no title":          {"pick", some(1, "reply", "", ""), false},
		"button_3":          {"pick", some(3, "link", "Shop", "https://shop.example"), true},
		"button_4":          {"pick", some(4, "link", "Shop", "https://shop.example"), false},
		"a link to nowhere": {"pick", some(1, "link", "Shop", "javascript:alert(1)"), false},
		"both sorts":        {"pick", append(some(1, "reply", "Red", ""), some(1, "link", "Shop", "https://shop.example")...), false},
		"without a text":    {"", some(1, "reply", "Red", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := toMaya(c.text)
			o.Message.Buttons = c.buttons
			_, err := s.Plan(o)
			if c.ok != (err == nil) {
				t.Fatal(err)
			}
			if err != nil && failure(t, err).Class != channels.BadContent {
				t.Error(err)
			}
		})
	}
}

func TestButtonsAreSent(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		buttons []timeline.Button
		part    bool
		want    []string
	}{
		"answers": {"pick", []timeline.Button{{Kind: "reply", Title: "Red", Value: "R"}, {Title: "Blue"}}, false,
			[]string{`{"quick_replies":[{"content_type":"text","payload":"R","title":"Red"},{"content_type":"text","payload":"Blue","title":"Blue"}],"text":"pick"}`}},
		"answers come last": {"pick", []timeline.Button{{Kind: "reply", Title: "Red", Value: "R"}}, true,
			[]string{`{"attachment":{"payload":{"url":"https://files.invalid/F1"},"type":"image"}}`, `{"quick_replies":[{"content_type":"text","payload":"R","title":"Red"}],"text":"pick"}`}},
		"links below a long text": {strings.Repeat("a", 700), []timeline.Button{{Kind: "link", Title: "Shop", Value: "https://shop.example"}}, false,
			[]string{`{"text":"` + strings.Repeat("a", 640) + `"}`,
				`{"attachment":{"payload":{"buttons":[{"title":"Shop","type":"web_url","url":"https://shop.example"}],"template_type":"button","text":"` + strings.Repeat("a", 60) + `"},"type":"template"}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			hub := answering(&cs, said(`{"message_id":"m"}`))
			s := opened(t, hub)
			o := toMaya(c.text)
			o.Message.Buttons = c.buttons
			if c.part {
				o.Message.Parts = []timeline.Part{picture(t, hub)}
			}
			for _, st := range metatest.Planned(t, &Channel, s, o) {
				if r := s.Do(t.Context(), st); r.Outcome != channels.Accepted {
					t.Fatalf("%+v", r)
				}
			}
			for i, w := range c.want {
				if want := `{"recipient":{"id":"` + maya + `"},"message":` + w + `}`; cs.bodies[i] != want {
					t.Errorf("%s\nwant %s", cs.bodies[i], want)
				}
			}
		})
	}
}

var onePNG = "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 20)

func picture(t *testing.T, hub *channeltest.Hub) timeline.Part {
	t.Helper()
	p, err := hub.Files().Put(t.Context(), "a.png", strings.NewReader(onePNG), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A message of a text and two files is three steps; each is its own message there.
func TestPartsAlone(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub)
	o := toMaya("look")
	o.Message.Parts = []timeline.Part{picture(t, hub), picture(t, hub)}
	steps := metatest.Planned(t, &Channel, s, o)
	if len(steps) != 3 || steps[0].Text != "look" || len(steps[1].Parts) != 1 || steps[2].Parts[0].File == steps[1].Parts[0].File {
		t.Errorf("%+v", steps)
	}
	for name, p := range map[string]timeline.Part{"a location": {Kind: timeline.PartLocation}, "a file that is gone": {Kind: timeline.PartImage, Name: "x"}} {
		o.Message.Parts = []timeline.Part{p}
		if _, err := s.(channels.Planner).Plan(o); failure(t, err).Class != channels.BadMedia {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.Message.Parts = make([]timeline.Part, maxParts+1)
	if _, err := s.(channels.Planner).Plan(o); failure(t, err).Class != channels.BadMedia {
		t.Errorf("too many: %v", err)
	}
}

// image_9MB, pdf_26MB, webp: what cannot be made to fit is refused with the reason, and no call is made.
func TestPartThatDoesNotFit(t *testing.T) {
	var c calls
	hub := answering(&c, said(`{"message_id":"m"}`))
	s := opened(t, hub)
	for name, data := range map[string]string{"image_9MB": onePNG + strings.Repeat("x", 9<<20), "webp": "RIFF\x00\x00\x00\x00WEBPVP8 "} {
		p, err := hub.Files().Put(t.Context(), "x", strings.NewReader(data), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		p.Kind = timeline.PartImage
		o := toMaya("")
		o.Message.Parts = []timeline.Part{p}
		r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0])
		if r.Outcome != channels.Rejected || r.Failure.Class != channels.BadMedia || r.Failure.Advice == "" || len(c.paths) > 0 {
			t.Errorf("%s: %+v %v", name, r, c.paths)
		}
	}
}

// media_url_fetch: 100/2018008 is tried once more, with a fresh link; then it is told.
func TestMediaFetchFails(t *testing.T) {
	for name, c := range map[string]struct {
		replies []channeltest.Reply
		outcome channels.Outcome
		calls   int
	}{
		"once":  {[]channeltest.Reply{failed(400, 100, 2018008), said(`{"message_id":"m"}`)}, channels.Accepted, 2},
		"twice": {[]channeltest.Reply{failed(400, 100, 2018008)}, channels.Rejected, 2},
		"other": {[]channeltest.Reply{failed(400, 100, 2018047)}, channels.Rejected, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			hub := answering(&cs, c.replies...)
			s := opened(t, hub)
			o := toMaya("")
			o.Message.Parts = []timeline.Part{picture(t, hub)}
			if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != c.outcome || len(cs.paths) != c.calls {
				t.Errorf("%+v after %d calls", r, len(cs.paths))
			}
		})
	}
}

// window_closed_human / window_closed_bot: the tag goes with a person's message after a day, and
// never with a machine's.
func TestHumanAgent(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		by   timeline.ActorKind
		rule string
	}{
		"within a day, a person":         {time.Hour, timeline.ActorAgent, "standard"},
		"within a day, a machine":        {time.Hour, timeline.ActorAssistant, "standard"},
		"window_closed_human":            {25 * time.Hour, timeline.ActorAgent, "human_agent"},
		"window_closed_bot":              {25 * time.Hour, timeline.ActorAssistant, ""},
		"window_closed_rule":             {25 * time.Hour, timeline.ActorRule, ""},
		"after 8 days":                   {8 * 24 * time.Hour, timeline.ActorAgent, ""},
		"window_boundary, a minute left": {24*time.Hour - time.Minute, timeline.ActorAssistant, "standard"},
		"window_boundary 23:59:59":       {24*time.Hour - time.Second, timeline.ActorAssistant, ""}, // on the safe side of the clocks
		"window_boundary 24:00:01":       {24*time.Hour + time.Second, timeline.ActorAssistant, ""},
		"window_boundary, a person":      {24*time.Hour - time.Second, timeline.ActorAgent, "human_agent"},
	} {
		t.Run(name, func(t *testing.T) {
			o := toMaya("x")
			o.Actor.Kind = c.by
			o.Opened = map[string]timeline.Window{openMessage: {At: now.Add(-c.age)}}
			rule, _, ok := Channel.Can.Allowed(o.Opened, c.by, now)
			if rule.Name != c.rule || ok != (c.rule != "") {
				t.Fatalf("%q %v", rule.Name, ok)
			}
			if !ok {
				return
			}
			var cs calls
			s := opened(t, answering(&cs, said(`{"message_id":"m"}`)))
			if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Accepted {
				t.Fatalf("%+v", r)
			}
			if tagged := strings.Contains(cs.bodies[0], `"messaging_type":"MESSAGE_TAG","tag":"HUMAN_AGENT"`); tagged != (rule.Tag != "") {
				t.Error(cs.bodies[0])
			}
		})
	}
}

// A machine's message that carries the tag by mistake is never sent.
func TestTagOfAMachine(t *testing.T) {
	var cs calls
	s := opened(t, answering(&cs, said(`{}`)))
	st := metatest.Planned(t, &Channel, s, toMaya("x"))[0]
	st.Tag, st.Outbound.Actor.Kind = tagHuman, timeline.ActorAssistant
	if r := s.Do(t.Context(), st); r.Outcome != channels.Rejected || r.Failure.Class != channels.WindowClosed || len(cs.paths) > 0 {
		t.Errorf("%+v %v", r, cs.paths)
	}
}

func TestReact(t *testing.T) {
	o := toMaya("")
	o.Message = nil
	for emoji, want := range map[string]string{"❤️": "love", "❤": "love", "👍": "like", "😢": "sad"} {
		o.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: "m9"}, Emoji: emoji}
		var cs calls
		s := opened(t, answering(&cs, said(`{"recipient_id":"x"}`)))
		r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0])
		if r.Outcome != channels.Accepted || cs.bodies[0] != `{"recipient":{"id":"`+maya+`"},"sender_action":"react","payload":{"message_id":"m9","reaction":"`+want+`"}}` {
			t.Errorf("%s: %+v %q", emoji, r, cs.bodies)
		}
	}
	var cs calls
	s := opened(t, answering(&cs, said(`{}`)))
	o.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: "m9"}, Removed: true}
	if s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); !strings.Contains(cs.bodies[0], `"sender_action":"unreact","payload":{"message_id":"m9"}`) {
		t.Error(cs.bodies)
	}
	o.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: "m9"}, Emoji: "🦄"}
	if _, err := s.(channels.Planner).Plan(o); failure(t, err).Class != channels.BadContent {
		t.Error(err)
	}
}

func TestTyping(t *testing.T) {
	var cs calls
	s := opened(t, answering(&cs, said(`{}`))).(channels.Typist)
	for _, on := range []bool{true, false} {
		if err := s.Typing(t.Context(), timeline.Thread{}, maya, on); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(cs.bodies[0], `"sender_action":"typing_on"`) || !strings.Contains(cs.bodies[1], `"sender_action":"typing_off"`) || strings.Contains(cs.bodies[0], "message") {
		t.Error(cs.bodies)
	}
}

// not_thread_owner: control is taken or asked for, and the person is told which.
func TestNotThreadOwner(t *testing.T) {
	for name, c := range map[string]struct {
		replies []channeltest.Reply
		paths   int
		advice  string
	}{
		"taken":       {[]channeltest.Reply{failed(400, 100, 2534037), said(`{"success":true}`)}, 2, meta.AdviseTaken},
		"asked for":   {[]channeltest.Reply{failed(400, 100, 2534037), failed(400, 27, 0), said(`{"success":true}`)}, 3, meta.AdviseAsked},
		"not to have": {[]channeltest.Reply{failed(400, 100, 2534037), failed(400, 27, 0), failed(400, 10, 0)}, 3, meta.AdviseOther},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			s := opened(t, answering(&cs, c.replies...))
			r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0])
			if r.Outcome != channels.Rejected || r.Failure.Class != channels.NotOwner || r.Failure.Advice != c.advice || len(cs.paths) != c.paths {
				t.Errorf("%+v %q", r, cs.paths)
			}
		})
	}
}

// rate_613 / 429 / 80002 with 19 min: the account rests as long as it is told.
func TestRateRests(t *testing.T) {
	reply := failed(400, 80002, 0)
	reply.Header = http.Header{"X-Business-Use-Case-Usage": {`{"` + me + `":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":19}]}`}}
	var cs calls
	s := opened(t, answering(&cs, reply))
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0]); r.Failure.Class != channels.RateLimited || r.Failure.After != 19*time.Minute || len(cs.paths) != 1 {
		t.Errorf("%+v", r)
	}
}

// What a channel cannot do is refused in words.
func TestUnknownStep(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	if r := s.Do(t.Context(), channels.Step{Kind: "edit"}); r.Outcome != channels.Rejected || r.Failure.Advice == "" {
		t.Errorf("%+v", r)
	}
}

// send_5xx_then_ok: one call, and nobody knows how it ended; the hub finds out before anything is sent again.
func TestServerErrorIsNotRepeated(t *testing.T) {
	var cs calls
	s := opened(t, answering(&cs, failed(500, 2, 0), said(`{"message_id":"m"}`)))
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0]); r.Outcome != channels.Unsure || len(cs.paths) != 1 {
		t.Errorf("%+v after %d calls", r, len(cs.paths))
	}
}
