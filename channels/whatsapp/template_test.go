package whatsapp

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

func TestReadTemplates(t *testing.T) {
	all, err := readTemplates("\n" + theTemplates + "\r\n\n")
	if err != nil || len(all) != 3 || all[1].body != "Hello {{name}}!\nAre you still there, {{name}}?" || !all[1].named() || all[0].named() {
		t.Fatalf("%+v %v", all, err)
	}
	for name, bad := range map[string]string{"no language": "order|Hello", "a bad name": "Order Update|en|x", "a bad language": "order|English|x", "no text": "order|en| ",
		"a long text": "order|en|" + strings.Repeat("a", maxBody+1), "too many": strings.Repeat("a|en|x\n", maxTemplates+1)} {
		if _, err := readTemplates(bad); err == nil {
			t.Errorf("%s was taken", name)
		}
		if _, err := Channel.Open(channels.Account{Settings: accountValues("templates", bad)}, channeltest.NewHub()); err == nil || !strings.HasPrefix(err.Error(), "templates:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After 24 hours the text that reads like a template goes out as it, with its blanks filled in.
func TestTemplates(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"numbered": {"Hello Maya, your order #4711 (two lamps) is on its way.",
			`{"components":[{"parameters":[{"text":"Maya","type":"text"},{"text":"#4711 (two lamps)","type":"text"}],"type":"body"}],"language":{"code":"en"},"name":"order_update"}`},
		"named, and one blank twice": {"Hello 玛雅!\nAre you still there, 玛雅?",
			`{"components":[{"parameters":[{"parameter_name":"name","text":"玛雅","type":"text"}],"type":"body"}],"language":{"code":"en_US"},"name":"hello"}`},
		"without blanks":         {"Wir haben eine Frage zu Ihrer Bestellung.", `{"language":{"code":"de"},"name":"plain"}`},
		"white space differs":    {" Wir haben  eine Frage\nzu Ihrer Bestellung. ", `{"language":{"code":"de"},"name":"plain"}`},
		"characters of patterns": {"Hello .*(x)$1, your order + is on its way.", `{"components":[{"parameters":[{"text":".*(x)$1","type":"text"},{"text":"+","type":"text"}],"type":"body"}],"language":{"code":"en"},"name":"order_update"}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := did(t, late(c.text))
			if got := metatest.JSON(t, b["template"]); got != c.want || b["type"] != "template" || b["text"] != nil {
				t.Errorf("%s", got)
			}
		})
	}
}

// What reads like no template is refused before it leaves, with those there are; what carries
// more than text is, too.
func TestTemplatesRefused(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, text := range map[string]string{"other words": "Hi, any news?", "an empty blank": "Hello , your order 1 is on its way.", "more behind": "Wir haben eine Frage zu Ihrer Bestellung. Und noch eine.",
		"a blank twice, differently": "Hello Maya!\nAre you still there, Ben?", "a line break in a blank": "Hello Maya\nRivera, your order 1 is on its way."} {
		t.Run(name, func(t *testing.T) { metatest.RefusedAs(t, s, late(text), channels.WindowClosed, "order_update") })
	}
	o := late("Wir haben eine Frage zu Ihrer Bestellung.")
	o.Message.Buttons = buttons(1, "reply")
	metatest.RefusedAs(t, s, o, channels.WindowClosed, "without files and buttons")
	none := opened(t, channeltest.NewHub(), "templates", "")
	metatest.RefusedAs(t, none, late("Hi"), channels.WindowClosed, "name none")
}

// The longest of several that fit is the one that is meant.
func TestTemplatesClosest(t *testing.T) {
	set, err := read(accountValues("templates", "any|en|{{1}}\nours|en|Hello {{1}}, welcome."))
	if err != nil {
		t.Fatal(err)
	}
	if c, _, bad := set.match("Hello Maya, welcome."); bad != nil || c.name != "ours" {
		t.Errorf("%+v %v", c, bad)
	}
	if c, _, bad := set.match("Something else"); bad != nil || c.name != "any" {
		t.Errorf("%+v %v", c, bad)
	}
}

// While the window is open a template's words are a text like any other: it costs nothing.
func TestTemplateWordsInTheWindow(t *testing.T) {
	if b := did(t, toMaya("Wir haben eine Frage zu Ihrer Bestellung.")); b["type"] != "text" {
		t.Errorf("%v", b)
	}
}

// window_boundary: 24 hours less our own doubt about clocks; a plain step that slipped through
// is refused without a call.
func TestWindowBoundary(t *testing.T) {
	for name, c := range map[string]struct {
		ago  time.Duration
		rule string
	}{"23:59:29": {24*time.Hour - 31*time.Second, "standard"}, "23:59:59": {24*time.Hour - time.Second, ruleTemplate}, "24:00:01": {24*time.Hour + time.Second, ruleTemplate}, "a year": {365 * 24 * time.Hour, ruleTemplate}} {
		opened := map[string]timeline.Window{openMessage: {At: epoch.Add(-c.ago)}, openKnown: {At: epoch.Add(-c.ago)}}
		for _, by := range []timeline.ActorKind{timeline.ActorAgent, timeline.ActorRule} {
			if rule, _, ok := Channel.Can.Allowed(opened, by, epoch); !ok || rule.Name != c.rule {
				t.Errorf("%s by %s: %q %v", name, by, rule.Name, ok)
			}
		}
	}
	s := opened(t, channeltest.NewHub())
	st := metatest.Planned(t, &Channel, s, toMaya("hello"))[0]
	st.Tag = ruleTemplate
	if r := s.Do(t.Context(), st); r.Outcome != channels.Rejected || r.Failure.Class != channels.WindowClosed {
		t.Errorf("%s %v", r.Outcome, r.Failure)
	}
}

// A text that was planned in time and leaves too late is the template that it reads like, or refused.
func TestOverdue(t *testing.T) {
	calls := 0
	s := opened(t, channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		if calls++; !strings.Contains(string(q.Body), `"template":{"language":{"code":"de"},"name":"plain"}`) {
			t.Errorf("%s", q.Body)
		}
		return channeltest.Reply{Body: `{"messages":[{"id":"wamid.1"}]}`}
	}))
	for text, want := range map[string]channels.Outcome{"Wir haben eine Frage zu Ihrer Bestellung.": channels.Accepted, "Hi": channels.Rejected, strings.Repeat("Hi", maxText): channels.Rejected} {
		st := metatest.Planned(t, &Channel, s, toMaya(text))[0]
		st.Tag = ruleTemplate
		if r := s.Do(t.Context(), st); r.Outcome != want || want == channels.Rejected && r.Failure.Class != channels.WindowClosed {
			t.Errorf("%s %v", r.Outcome, r.Failure)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	o := late("")
	o.Message, o.Reaction = nil, &timeline.Reaction{Of: timeline.Ref{Remote: "wamid.text"}, Emoji: "👍"}
	metatest.RefusedAs(t, s, o, channels.WindowClosed, "reactions")
}

// Writing first: a number however it is written, or an id; the first message is a template.
func TestStart(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for to, want := range map[string]struct{ thread, to, peer string }{
		"+43 660 1234567":     {"436601234567", "436601234567", "tel:+436601234567"},
		"0043 (660) 123-4567": {"436601234567", "436601234567", "tel:+436601234567"},
		"551187654321":        {"5511987654321", "551187654321", "tel:+5511987654321"},
		mayaUser:              {mayaUser, mayaUser, "bsuid:" + mayaUser},
	} {
		in, err := s.(channels.Starter).Start(to, "", "id")
		if err != nil || string(in.Event.Thread.ID) != want.thread || string(in.To) != want.to || identities(in)[0] != want.peer || len(in.Opens) != 1 || in.Opens[0] != openKnown {
			t.Errorf("%s: %+v %v", to, in, err)
			continue
		}
		o := channeltest.Message("Hello Maya, your order 1 is on its way.")
		o.Thread, o.To, o.At = in.Event.Thread, in.To, epoch
		o.Opened = map[string]timeline.Window{openKnown: {At: epoch}}
		if st := metatest.Planned(t, &Channel, s, o)[0]; st.Kind != stepTemplate || st.Tag != ruleTemplate {
			t.Errorf("%+v", st)
		}
		o.Message.Text = "hi"
		metatest.RefusedAs(t, s, o, channels.WindowClosed, "approved templates")
	}
	for _, bad := range []string{"maya", "123", "+1 234 567 890 123 456 7", "a@b.example"} {
		if in, err := s.(channels.Starter).Start(bad, "", "id"); err == nil {
			t.Errorf("%q: %+v", bad, in)
		}
	}
	if _, err := opened(t, channeltest.NewHub(), "templates", "").(channels.Starter).Start("+436601234567", "", "id"); err == nil {
		t.Error("without templates one may not write first")
	}
}
