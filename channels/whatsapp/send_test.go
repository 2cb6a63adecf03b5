package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
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

// toMaya is a message to Maya an hour after she wrote.
func toMaya(text string) timeline.Outbound {
	o := channeltest.Message(text)
	o.Thread.ID, o.To, o.At = mayaUser, maya, epoch
	o.Opened = map[string]timeline.Window{openMessage: {At: epoch.Add(-time.Hour)}, openKnown: {At: epoch.Add(-time.Hour)}}
	return o
}

// late is a message to Maya two days after she wrote.
func late(text string) timeline.Outbound {
	o := toMaya(text)
	o.Opened = map[string]timeline.Window{openMessage: {At: epoch.Add(-48 * time.Hour)}, openKnown: {At: epoch.Add(-48 * time.Hour)}}
	return o
}

// did plans a message, takes its first step and returns what was asked.
func did(t testing.TB, o timeline.Outbound, more ...string) map[string]any {
	t.Helper()
	var asked *channeltest.Request
	s := opened(t, channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		asked = q
		return channeltest.Reply{Body: `{"messaging_product":"whatsapp","contacts":[{"input":"1","wa_id":"1"}],"messages":[{"id":"wamid.1","message_status":"accepted"}]}`}
	}), more...)
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Accepted {
		t.Fatalf("%s %v", r.Outcome, r.Failure)
	}
	if want := "/v25.0/" + phone + "/messages"; asked.URL.Path != want || asked.Header.Get("Authorization") != "Bearer "+token || asked.URL.Query().Get("appsecret_proof") == "" {
		t.Errorf("%s %s", asked.URL, asked.Header)
	}
	var b map[string]any
	if err := json.Unmarshal(asked.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSendText(t *testing.T) {
	o := toMaya("hello")
	o.Message.ReplyTo = &timeline.Ref{Remote: "wamid.text"}
	got := metatest.JSON(t, did(t, o))
	want := `{"biz_opaque_callback_data":"parley:m1/0","context":{"message_id":"wamid.text"},"messaging_product":"whatsapp","recipient_type":"individual","text":{"body":"hello","preview_url":true},"to":"436601234567","type":"text"}`
	if got != want {
		t.Errorf("%s", got)
	}
}

// Texts are cut at 4096 characters, in order, and only the first answers.
func TestSendLongText(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, text := range map[string]string{"text_4097_chars": strings.Repeat("a", maxText+1), "汉字": strings.Repeat("您", 2*maxText+5),
		"emoji ZWJ at the cut": strings.Repeat("a", maxText-2) + strings.Repeat("👩‍👩‍👧", 10)} {
		t.Run(name, func(t *testing.T) {
			whole := ""
			for _, st := range metatest.Planned(t, &Channel, s, toMaya(text)) {
				if utf8.RuneCountInString(st.Text) > maxText {
					t.Errorf("%d characters", utf8.RuneCountInString(st.Text))
				}
				if strings.HasPrefix(st.Text, "\u200d") || strings.HasSuffix(st.Text, "\u200d") {
					t.Error("a character is torn")
				}
				whole += st.Text
			}
			if whole != text {
				t.Error("the pieces are not the text")
			}
		})
	}
}

func buttons(n int, kind string) []timeline.Button {
	var out []timeline.Button
	for i := range n {
		out = append(out, timeline.Button{Kind: kind, Title: "Choice " + string(rune('A'+i)), Value: "https://x.example/" + string(rune('a'+i))})
	}
	return out
}

func TestSendButtons(t *testing.T) {
	for name, c := range map[string]struct {
		buttons []timeline.Button
		want    string
	}{
		"three buttons": {buttons(3, "reply"), `"type":"button"`},
		"button_4":      {buttons(4, "reply"), `"type":"list"`},
		"ten rows":      {buttons(10, "reply"), `"rows":[{"id":"https://x.example/a","title":"Choice A"}`},
		"a link":        {buttons(1, "link"), `"parameters":{"display_text":"Choice A","url":"https://x.example/a"}`},
		"no value":      {[]timeline.Button{{Kind: "reply", Title: "Yes"}}, `"reply":{"id":"Yes","title":"Yes"}`},
	} {
		t.Run(name, func(t *testing.T) {
			o := toMaya("choose")
			o.Message.Buttons = c.buttons
			if got := metatest.JSON(t, did(t, o)); !strings.Contains(got, c.want) || !strings.Contains(got, `"body":{"text":"choose"}`) {
				t.Error(got)
			}
		})
	}
	s := opened(t, channeltest.NewHub())
	for name, c := range map[string]struct {
		text    string
		buttons []timeline.Button
		words   string
	}{
		"eleven answers":   {"x", buttons(11, "reply"), "At most 10"},
		"title_21_chars":   {"x", []timeline.Button{{Title: strings.Repeat("a", 21)}}, "1 to 20"},
		"no title":         {"x", []timeline.Button{{}}, "1 to 20"},
		"twice the same":   {"x", []timeline.Button{{Title: "a"}, {Title: "a"}}, "two buttons"},
		"two links":        {"x", buttons(2, "link"), "one link"},
		"answer and link":  {"x", append(buttons(1, "link"), timeline.Button{Title: "b"}), "either"},
		"a link to no web": {"x", []timeline.Button{{Kind: "link", Title: "a", Value: "javascript:1"}}, "web address"},
		"a long value":     {"x", []timeline.Button{{Title: "a", Value: strings.Repeat("v", maxValue+1)}}, "longer"},
		"no text":          {" ", buttons(1, "reply"), "text above"},
	} {
		t.Run(name, func(t *testing.T) {
			o := toMaya(c.text)
			o.Message.Buttons = c.buttons
			metatest.RefusedAs(t, s, o, channels.BadContent, c.words)
		})
	}
	o := toMaya(strings.Repeat("b", maxText+maxInteractive+5))
	o.Message.Buttons = buttons(1, "reply")
	steps := metatest.Planned(t, &Channel, s, o)
	last := steps[len(steps)-1]
	if utf8.RuneCountInString(last.Text) > maxInteractive || last.Data[dataButtons] == "" || steps[0].Data[dataButtons] != "" {
		t.Errorf("%d steps, the last of %d", len(steps), len(last.Text))
	}
}

// stored puts a file into a hub.
func stored(t testing.TB, hub *channeltest.Hub, kind timeline.PartKind, name, mimeType string, b []byte) timeline.Part {
	t.Helper()
	p, err := hub.Files().Put(t.Context(), name, bytes.NewReader(b), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	p.Kind, p.MIME = kind, mimeType
	return p
}

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0}, 64)...)

// A file is handed over, then sent by its name; its bytes arrive as they are.
func TestSendUpload(t *testing.T) {
	var got []byte
	var fields map[string]string
	var message string
	hub := channeltest.NewHub()
	p := stored(t, hub, timeline.PartImage, "la\"mp.png", "image/png", png)
	hub.Far(func(q *channeltest.Request) channeltest.Reply {
		if strings.HasSuffix(q.URL.Path, "/messages") {
			message = string(q.Body)
			return channeltest.Reply{Body: `{"messages":[{"id":"wamid.1"}]}`}
		}
		fields = map[string]string{}
		_, params, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
		if err != nil || q.ContentLength != int64(len(q.Body)) {
			t.Error(err, q.ContentLength, len(q.Body))
		}
		for r := multipart.NewReader(bytes.NewReader(q.Body), params["boundary"]); ; {
			part, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(part)
			if err != nil {
				t.Fatal(err)
			}
			if part.FormName() == "file" {
				got = b
				fields["name"], fields["mime"] = part.FileName(), part.Header.Get("Content-Type")
			} else {
				fields[part.FormName()] = string(b)
			}
		}
		return channeltest.Reply{Body: `{"id":"4711"}`}
	})
	s := opened(t, hub)
	o := toMaya("Is it this one?")
	o.Message.Parts = []timeline.Part{p}
	steps := metatest.Planned(t, &Channel, s, o)
	if r := s.Do(t.Context(), steps[0]); len(steps) != 1 || r.Outcome != channels.Accepted {
		t.Fatalf("%d steps, %s %v", len(steps), r.Outcome, r.Failure)
	}
	if !bytes.Equal(got, png) || fields["messaging_product"] != "whatsapp" || fields["type"] != "image/png" || fields["mime"] != "image/png" || fields["name"] != "la_mp.png" {
		t.Errorf("%d bytes, %v", len(got), fields)
	}
	if !strings.Contains(message, `"image":{"caption":"Is it this one?","id":"4711"}`) {
		t.Error(message)
	}
}

// An upload whose answer is lost is tried again: nobody has seen it.
func TestSendUploadLost(t *testing.T) {
	hub := channeltest.NewHub()
	p := stored(t, hub, timeline.PartImage, "a.png", "image/png", png)
	hub.Far(func(*channeltest.Request) channeltest.Reply { return channeltest.Reply{Err: errors.New("reset")} })
	s := opened(t, hub)
	o := toMaya("")
	o.Message.Parts = []timeline.Part{p}
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Rejected || !r.Failure.Class.Again() {
		t.Errorf("%s %v", r.Outcome, r.Failure)
	}
}

// By link the far side fetches from us; each sort of file has its word.
func TestSendLink(t *testing.T) {
	for kind, word := range fileTypes {
		o := toMaya("")
		o.Message.Parts = []timeline.Part{{Kind: kind, Name: "n", URL: "https://files.example/n"}}
		got := metatest.JSON(t, did(t, o, "media", byLink))
		if !strings.Contains(got, `"link":"https://files.example/n"`) || !strings.Contains(got, `"type":"`+word+`"`) || (kind == timeline.PartFile) != strings.Contains(got, `"filename":"n"`) {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestRefusedParts(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	o := toMaya("x")
	o.Message.Parts = make([]timeline.Part, maxParts+1)
	metatest.RefusedAs(t, s, o, channels.BadMedia, "At most 10")
	o.Message.Parts = []timeline.Part{{Kind: "hologram", File: "F1"}}
	metatest.RefusedAs(t, s, o, channels.BadMedia, "hologram")
	o.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, Name: "a.png"}}
	metatest.RefusedAs(t, s, o, channels.BadMedia, "no longer kept")
	o.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "gone", Name: "a.png"}}
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Rejected || r.Failure.Class != channels.BadMedia {
		t.Errorf("%s %v", r.Outcome, r.Failure)
	}
	metatest.RefusedAs(t, s, toMaya(" \n"), channels.BadContent, "nothing")
}

func TestReact(t *testing.T) {
	o := toMaya("")
	o.Message, o.Reaction = nil, &timeline.Reaction{Of: timeline.Ref{Remote: "wamid.text"}, Emoji: "🦊"}
	if got := metatest.JSON(t, did(t, o)); !strings.Contains(got, `"reaction":{"emoji":"🦊","message_id":"wamid.text"}`) {
		t.Error(got)
	}
	o.Reaction.Removed = true
	if got := metatest.JSON(t, did(t, o)); !strings.Contains(got, `"reaction":{"emoji":"","message_id":"wamid.text"}`) {
		t.Error(got)
	}
	o.Reaction.Of.Remote = ""
	metatest.RefusedAs(t, opened(t, channeltest.NewHub()), o, channels.BadContent, "not known")
}

// Idempotence is honest: a lost answer is doubt, one try, and no answer that names no message
// is taken for a yes.
func TestDoubt(t *testing.T) {
	for name, reply := range map[string]channeltest.Reply{"reset": {Err: errors.New("reset")}, "no id": {Body: `{"messages":[]}`}, "no JSON": {Body: "hello"}, "HTTP 500": {Status: 500, Body: `{"error":{"code":131000,"message":"x"}}`}} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			s := opened(t, channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply { calls++; return reply }))
			if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0]); r.Outcome != channels.Unsure || calls != 1 {
				t.Errorf("%s after %d calls", r.Outcome, calls)
			}
		})
	}
}

// Typing marks the latest message as read; without one nothing is asked.
func TestTyping(t *testing.T) {
	var asked []string
	s := opened(t, channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		asked = append(asked, string(q.Body))
		return channeltest.Reply{Body: `{"success":true}`}
	}))
	typing := func(on bool) {
		if err := s.(channels.Typist).Typing(context.Background(), timeline.Thread{Account: channeltest.Account, ID: mayaUser}, maya, on); err != nil {
			t.Error(err)
		}
	}
	typing(true)
	took(t, s, theMessage("wamid.t2", `"type":"text","text":{"body":"newer"}`))
	took(t, s, strings.Replace(theMessage("wamid.t1", `"type":"text","text":{"body":"older"}`), "1769262485", "1769262400", 1))
	typing(true)
	typing(false)
	if len(asked) != 1 || !strings.Contains(asked[0], `"message_id":"wamid.t2"`) || !strings.Contains(asked[0], `"status":"read"`) || !strings.Contains(asked[0], `"typing_indicator":{"type":"text"}`) {
		t.Errorf("%q", asked)
	}
}

func TestLatestIsBounded(t *testing.T) {
	var l latest
	for i := range latestMost + 50 {
		l.note(&timeline.Inbound{Event: timeline.Event{Remote: "m", Direction: timeline.In, At: epoch.Add(time.Duration(i) * time.Second),
			Thread: timeline.Thread{ID: timeline.ThreadID(string(rune('a'+i%26)) + strings.Repeat("x", i))}}})
	}
	if len(l.newest) != latestMost || l.of(timeline.ThreadID("a")) != "" {
		t.Errorf("%d kept", len(l.newest))
	}
}

// Fetching asks for the address, then takes the bytes with our credentials; what is gone or too
// large is said so.
func TestFetch(t *testing.T) {
	var asked []string
	reply := map[string]channeltest.Reply{
		"/v25.0/4711": {Body: `{"url":"https://lookaside.example/f?a=1","mime_type":"image/png","file_size":"5","id":"4711"}`},
		"/f":          {Body: "bytes"},
		"/v25.0/gone": {Status: 400, Body: `{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request"}}`},
		"/v25.0/big":  {Body: `{"url":"https://lookaside.example/f","file_size":5000}`},
		"/v25.0/bare": {Body: `{"id":"bare"}`},
		"/v25.0/liar": {Body: `{"url":"https://lookaside.example/long","file_size":5}`},
		"/long":       {Body: strings.Repeat("x", 2000)},
	}
	hub := channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		asked = append(asked, q.URL.Path+" "+q.Header.Get("Authorization"))
		return reply[q.URL.Path]
	})
	s := opened(t, hub).(channels.Fetcher)
	r, err := s.Fetch(t.Context(), timeline.Part{Kind: timeline.PartImage, Remote: "4711"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "bytes" || r.Close() != nil {
		t.Errorf("%q %v", b, err)
	}
	if len(asked) != 2 || !strings.HasSuffix(asked[1], "Bearer "+token) {
		t.Errorf("%q", asked)
	}
	for name, status := range map[string]int{"gone": http.StatusNotFound, "big": http.StatusRequestEntityTooLarge, "bare": http.StatusNotFound, "../me": http.StatusNotFound, "": http.StatusNotFound, "liar": http.StatusRequestEntityTooLarge} {
		_, err := s.Fetch(t.Context(), timeline.Part{Kind: timeline.PartImage, Remote: timeline.RemoteID(name)}, 1000)
		var p *channels.Problem
		if !errors.As(err, &p) || p.Status != status {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := s.Fetch(t.Context(), timeline.Part{Kind: partContact, Retention: timeline.RetainURL}, 1000); err == nil {
		t.Error("a card was fetched")
	}
}
