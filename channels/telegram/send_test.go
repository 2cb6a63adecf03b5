package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/telegram/sim"
	"github.com/parley-hub/parley/timeline"
)

// far lets a Bot API in memory answer the hub.
func far(api http.Handler) channeltest.Transport {
	return func(r *channeltest.Request) channeltest.Reply {
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		req := r.Request.Clone(r.Context())
		req.Body = readCloser{strings.NewReader(string(r.Body))}
		api.ServeHTTP(w, req)
		return channeltest.Reply{Status: w.status, Header: w.header, Body: w.body.String()}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(s int)           { r.status = s }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func outbound(m timeline.Message) timeline.Outbound {
	o := channeltest.Message("")
	o.To, o.Message = "5550101", &m
	return o
}

// sendAll plans and makes every call, which must be accepted.
func sendAll(t *testing.T, s *hooked, o timeline.Outbound) []channels.Result {
	t.Helper()
	steps, err := s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	var out []channels.Result
	for _, st := range steps {
		r := s.Do(context.Background(), st)
		if r.Outcome != channels.Accepted {
			t.Fatalf("%s ended %s, %+v", st.Kind, r.Outcome, r.Failure)
		}
		out = append(out, r)
	}
	return out
}

func put(t *testing.T, hub *channeltest.Hub, kind timeline.PartKind, name, content string) timeline.Part {
	t.Helper()
	p, err := hub.Files().Put(context.Background(), name, strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	p.Kind = kind
	return p
}

func TestSendText(t *testing.T) {
	api := sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	r := sendAll(t, s, outbound(timeline.Message{
		Text: "Pick up or delivery?", ReplyTo: &timeline.Ref{Remote: "5550101/90"},
		Buttons: []timeline.Button{{Kind: "reply", Title: "Pick up", Value: "way:pickup"}, {Kind: "link", Title: "Shop", Value: "https://example.com"}},
	}))
	c := api.Calls("sendMessage")
	if len(c) != 1 || c[0].Params["text"] != "Pick up or delivery?" || c[0].Params["chat_id"] != "5550101" {
		t.Fatalf("calls: %+v", c)
	}
	if p := c[0].Params["reply_parameters"]; !strings.Contains(p, `"message_id":90`) || !strings.Contains(p, `"allow_sending_without_reply":true`) {
		t.Errorf("it answers %s", p)
	}
	var board struct {
		Rows [][]map[string]string `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(c[0].Params["reply_markup"]), &board); err != nil || len(board.Rows) != 2 ||
		board.Rows[0][0]["callback_data"] != "way:pickup" || board.Rows[1][0]["url"] != "https://example.com" {
		t.Errorf("the buttons are %s", c[0].Params["reply_markup"])
	}
	if r[0].Remote != "5550101/5001" || r[0].At.IsZero() {
		t.Errorf("the result is %+v", r[0])
	}
}

func TestSendToTopic(t *testing.T) {
	api := sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	o := outbound(timeline.Message{Text: "Yes"})
	o.To, o.Place = "-1002000000001:7", placeGroup
	sendAll(t, s, o)
	if c := api.Calls("sendMessage"); len(c) != 1 || c[0].Params["chat_id"] != "-1002000000001" || c[0].Params["message_thread_id"] != "7" {
		t.Errorf("calls: %+v", c)
	}
}

func TestUploads(t *testing.T) {
	hub, api := channeltest.NewHub(), sim.New(testToken)
	s := opened(t, hub.Far(far(api)))
	const jpeg, gif = "\xff\xd8\xff\xe0 a picture", "GIF89a a picture"
	for _, c := range []struct {
		kind                   timeline.PartKind
		content, method, field string
	}{
		{timeline.PartImage, jpeg, "sendPhoto", "photo"},
		{timeline.PartImage, gif, "sendAnimation", "animation"},
		{timeline.PartVideo, "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "sendVideo", "video"},
		{timeline.PartVideo, "\x1a\x45\xdf\xa3 a film", "sendDocument", "document"},
		{timeline.PartAudio, "ID3 a song", "sendAudio", "audio"},
		{timeline.PartAudio, "OggS\x00 a voice", "sendVoice", "voice"},
		{timeline.PartFile, jpeg, "sendDocument", "document"},
		{timeline.PartSticker, "RIFF\x10\x00\x00\x00WEBPVP8 a sticker", "sendSticker", "sticker"},
	} {
		p := put(t, hub, c.kind, "one", c.content)
		before := len(api.Calls())
		sendAll(t, s, outbound(timeline.Message{Parts: []timeline.Part{p}, Text: "caption"}))
		calls := api.Calls()[before:]
		if calls[0].Method != c.method || string(calls[0].Files[c.field]) != c.content {
			t.Errorf("%s %s went as %+v", c.kind, p.MIME, calls)
		}
		if sticker := c.kind == timeline.PartSticker; sticker == (calls[0].Params["caption"] == "caption") || sticker != (len(calls) == 2) {
			t.Errorf("%s bears its text: %+v", c.kind, calls)
		}
	}
}

func TestPlaces(t *testing.T) {
	api := sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	sendAll(t, s, outbound(timeline.Message{Parts: []timeline.Part{place(location{Latitude: 46.5, Longitude: 7.25})}}))
	if c := api.Calls("sendLocation"); len(c) != 1 || c[0].Params["latitude"] != "46.5" || c[0].Params["longitude"] != "7.25" {
		t.Errorf("calls: %+v", c)
	}
	sendAll(t, s, outbound(timeline.Message{Parts: []timeline.Part{{Kind: "contact", Name: "Shop", Data: map[string]string{"phone": "+41000000009"}}}}))
	if c := api.Calls("sendContact"); len(c) != 1 || c[0].Params["phone_number"] != "+41000000009" {
		t.Errorf("calls: %+v", c)
	}
}

// Text that fits no caption follows the files, and the buttons the text.
func TestLongCaption(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	parts := []timeline.Part{{Kind: timeline.PartImage, File: "f1", MIME: "image/png"}, {Kind: timeline.PartImage, File: "f2", MIME: "image/png"}}
	buttonsOf := []timeline.Button{{Kind: "reply", Title: "Yes"}}
	for _, c := range []struct {
		units int
		texts []int
	}{{1024, []int{1024, 0}}, {1025, []int{0, 0, 1025}}, {5000, []int{0, 0, 4096, 904}}} {
		steps, err := s.Plan(outbound(timeline.Message{Text: strings.Repeat("x", c.units), Parts: parts, Buttons: buttonsOf}))
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for i, st := range steps {
			got = append(got, len(st.Text))
			if (st.Data[buttons] != "") != (i == len(steps)-1) {
				t.Errorf("%d units: the buttons hang from step %d", c.units, i)
			}
		}
		if !slices.Equal(got, c.texts) {
			t.Errorf("%d units became %v; want %v", c.units, got, c.texts)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"", 4, nil},
		{"abcd", 4, []string{"abcd"}},
		{"one two three", 8, []string{"one two ", "three"}},
		{"one\ntwo x", 7, []string{"one\n", "two x"}},
		{"aa👍🏽bb", 5, []string{"aa", "👍🏽b", "b"}},
		{"x👩‍🚀y", 5, []string{"x", "👩‍🚀", "y"}},
		{"🇨🇭🇫🇷", 5, []string{"🇨🇭", "🇫🇷"}},
		{"e\u0301e\u0301", 3, []string{"e\u0301", "e\u0301"}},
		{"👩‍👩‍👧‍👦", 4, []string{"👩‍", "👩‍", "👧‍", "👦"}},
	} {
		got := cut(c.text, c.limit)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q cut at %d is %q; want %q", c.text, c.limit, got, c.want)
		}
		for _, piece := range got {
			if n := len(utf16.Encode([]rune(piece))); n > c.limit {
				t.Errorf("%q has %d units", piece, n)
			}
		}
	}
}

func TestButtonTooLong(t *testing.T) {
	_, err := opened(t, channeltest.NewHub()).Plan(outbound(timeline.Message{Text: "?", Buttons: []timeline.Button{{Kind: "reply", Title: "x", Value: strings.Repeat("v", 65)}}}))
	var f *channels.Failure
	if !errors.As(err, &f) || f.Class != channels.BadContent || f.Advice == "" {
		t.Errorf("a value of 65 bytes is %v", err)
	}
}

func step(kind string, o timeline.Outbound) channels.Step {
	o.To = "5550101"
	return channels.Step{Key: channels.StepKey(o.ID, 0), Kind: kind, Outbound: o}
}

func TestEditUnsendReact(t *testing.T) {
	api := sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	of := timeline.Ref{Remote: "5550101/5001"}
	do := func(kind string, o timeline.Outbound) channels.Result {
		return s.Do(context.Background(), step(kind, o))
	}
	edit := timeline.Outbound{Edit: &timeline.Edit{Of: of, Text: "now"}}
	refuseWith := func(method, words string) {
		api.Refuse(func(c sim.Call) sim.Refusal {
			if c.Method != method {
				return sim.Refusal{}
			}
			return sim.Refusal{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: ` + words + `"}`}
		})
	}
	if r := do("edit", edit); r.Outcome != channels.Accepted || len(api.Calls("editMessageText")) != 1 {
		t.Errorf("an edit ended %+v", r)
	}
	refuseWith("editMessageText", "there is no text in the message to edit")
	if r := do("edit", edit); r.Outcome != channels.Accepted || api.Calls("editMessageCaption")[0].Params["caption"] != "now" {
		t.Errorf("an edit of a caption ended %+v", r)
	}
	refuseWith("editMessageText", "message is not modified: specified new message content and reply markup are exactly the same")
	if r := do("edit", edit); r.Outcome != channels.Accepted {
		t.Errorf("a repeated edit ended %+v", r)
	}
	refuseWith("editMessageText", "message can't be edited")
	if r := do("edit", edit); r.Outcome != channels.Rejected || r.Failure.Class != channels.BadContent {
		t.Errorf("an edit too late ended %+v", r)
	}
	unsend := timeline.Outbound{Unsend: &timeline.Unsend{Of: of}}
	if r := do("unsend", unsend); r.Outcome != channels.Accepted || api.Calls("deleteMessage")[0].Params["message_id"] != "5001" {
		t.Errorf("an unsend ended %+v", r)
	}
	refuseWith("deleteMessage", "message to delete not found")
	if r := do("unsend", unsend); r.Outcome != channels.Accepted {
		t.Errorf("a repeated unsend ended %+v", r)
	}
	refuseWith("deleteMessage", "message can't be deleted for everyone")
	if r := do("unsend", unsend); r.Outcome != channels.Rejected || !strings.Contains(r.Failure.Advice, "48 hours") {
		t.Errorf("an unsend too late ended %+v", r)
	}
	do("react", timeline.Outbound{Reaction: &timeline.Reaction{Of: of, Emoji: "❤️"}})
	do("react", timeline.Outbound{Reaction: &timeline.Reaction{Of: of, Emoji: "❤️", Removed: true}})
	c := api.Calls("setMessageReaction")
	if len(c) != 2 || c[0].Params["reaction"] != `[{"emoji":"❤","type":"emoji"}]` || c[1].Params["reaction"] != "[]" {
		t.Errorf("reactions: %+v", c)
	}
	if r := do("edit", timeline.Outbound{Edit: &timeline.Edit{Text: "x"}}); r.Outcome != channels.Rejected || r.Failure.Advice == "" {
		t.Errorf("an edit of what never left ended %+v", r)
	}
}

func TestOutcomes(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		reply   channeltest.Reply
		outcome channels.Outcome
	}{
		"connection refused":      {channeltest.Reply{Err: refused}, channels.Rejected},
		"name not found":          {channeltest.Reply{Err: &net.DNSError{Err: "no such host"}}, channels.Rejected},
		"connection lost":         {channeltest.Reply{Err: errors.New("unexpected EOF")}, channels.Unsure},
		"time is up":              {channeltest.Reply{Err: context.DeadlineExceeded}, channels.Unsure},
		"502 of a proxy":          {channeltest.Reply{Status: 502, Body: "<html>"}, channels.Unsure},
		"500 of the API":          {channeltest.Reply{Status: 500, Body: `{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}`}, channels.Unsure},
		"no Bot API at all":       {channeltest.Reply{Status: 200, Body: "<html>Welcome</html>"}, channels.Unsure},
		"an answer cut off":       {channeltest.Reply{Status: 200, Body: `{"ok":true,"result":{"message`}, channels.Unsure},
		"a result of odd shape":   {channeltest.Reply{Status: 200, Body: `{"ok":true,"result":[]}`}, channels.Unsure},
		"refused with status 200": {channeltest.Reply{Status: 200, Body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`}, channels.Rejected},
	} {
		s := opened(t, channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply { return c.reply }))
		r := s.Do(context.Background(), channels.Step{Kind: "send", Text: "x", Outbound: outbound(timeline.Message{Text: "x"})})
		if r.Outcome != c.outcome || r.Failure == nil {
			t.Errorf("%s ended %s, %v", name, r.Outcome, r.Failure)
		} else if strings.Contains(r.Failure.Error(), testToken) {
			t.Errorf("%s shows the token: %v", name, r.Failure)
		}
	}
}

func TestRateLimited(t *testing.T) {
	s := opened(t, channeltest.NewHub().Far(no(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 14","parameters":{"retry_after":14}}`)))
	r := s.Do(context.Background(), channels.Step{Kind: "send", Text: "x", Outbound: outbound(timeline.Message{Text: "x"})})
	if r.Failure == nil || r.Failure.Class != channels.RateLimited || r.Failure.After != 14*time.Second {
		t.Errorf("it ended %s, %+v", r.Outcome, r.Failure)
	}
}

func TestTyping(t *testing.T) {
	api := sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	for _, on := range []bool{true, false} {
		if err := s.Typing(context.Background(), timeline.Thread{}, "5550101", on); err != nil {
			t.Fatal(err)
		}
	}
	if c := api.Calls("sendChatAction"); len(c) != 1 || c[0].Params["action"] != "typing" {
		t.Errorf("calls: %+v", c)
	}
}

func TestFileIsGone(t *testing.T) {
	s := opened(t, channeltest.NewHub().Far(far(sim.New(testToken))))
	steps, err := s.Plan(outbound(timeline.Message{Parts: []timeline.Part{{Kind: timeline.PartFile, File: "01JNOTTHERE"}}}))
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Do(context.Background(), steps[0]); r.Outcome != channels.Rejected {
		t.Errorf("it ended %s, %v", r.Outcome, r.Failure)
	}
}
