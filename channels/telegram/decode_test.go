package telegram

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

func account(mode string) channels.Account {
	return channels.Account{ID: channeltest.Account, Settings: good(mode)}
}

func opened(t testing.TB, hub *channeltest.Hub) *hooked {
	t.Helper()
	s, err := Channel.Open(account(modeWebhook), hub)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*hooked)
}

// decoded are the events of a sample.
func decoded(t testing.TB, name string) []timeline.Inbound {
	t.Helper()
	in, _, err := opened(t, channeltest.NewHub()).Decode(sign(good(modeWebhook), samples(t)[name]))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return in
}

func first(t testing.TB, name string) timeline.Event { return decoded(t, name)[0].Event }

func TestForgery(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, body := range samples(t) {
		for _, shown := range []string{"", "x", testSecret[1:], testSecret + "x", strings.ToUpper(testSecret)} {
			c := sign(map[string]string{"secret": shown}, body)
			if in, a, err := s.Decode(c); !errors.Is(err, channels.ErrForged) || in != nil || a.Body != nil {
				t.Errorf("%s with the secret %q: %v, %v", name, shown, in, err)
			}
		}
	}
	a := account(modeWebhook)
	a.Previous = map[string]string{"secret": "the-one-before-the-last-change"}
	was, err := Channel.Open(a, channeltest.NewHub())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := was.(*hooked).Decode(sign(a.Previous, samples(t)["text"])); err != nil {
		t.Errorf("the secret before the last change: %v", err)
	}
}

func TestNoUpdate(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for _, body := range []string{"", "null", "[]", "{}", `{"update_id":"x"}`, `{"update_id":0}`, `{"message":{}}`, `{"update_id":1,"message":{"text":"cut o`} {
		if in, _, err := s.Decode(sign(good(modeWebhook), []byte(body))); err == nil {
			t.Errorf("%q gave %v; want an error, so that it is parked", body, in)
		}
	}
}

func TestPartKinds(t *testing.T) {
	for name, want := range map[string]timeline.Part{
		"photo":              {Kind: timeline.PartImage, MIME: "image/jpeg", Remote: "BQACAgIAAxkBAAPh2"},
		"video":              {Kind: timeline.PartVideo, MIME: "video/mp4", Name: "walk.mp4", Remote: "BQACAgIAAxkBAAVi"},
		"video_note":         {Kind: timeline.PartVideo, MIME: "video/mp4", Remote: "BQACAgIAAxkBAAVn"},
		"animation":          {Kind: timeline.PartVideo, MIME: "video/mp4", Name: "wave.mp4", Remote: "BQACAgIAAxkBAAAn"},
		"audio":              {Kind: timeline.PartAudio, MIME: "audio/mpeg", Name: "The Examples – Song One", Remote: "BQACAgIAAxkBAAAu"},
		"voice":              {Kind: timeline.PartAudio, MIME: "audio/ogg", Remote: "BQACAgIAAxkBAAVo"},
		"document":           {Kind: timeline.PartFile, MIME: "application/pdf", Name: "invoice.pdf", Remote: "BQACAgIAAxkBAADo"},
		"sticker":            {Kind: timeline.PartSticker, MIME: "image/webp", Remote: "BQACAgIAAxkBAASt"},
		"sticker_animated":   {Kind: timeline.PartSticker, MIME: "application/x-tgsticker", Remote: "BQACAgIAAxkBAASa"},
		"sticker_video":      {Kind: timeline.PartSticker, MIME: "video/webm", Remote: "BQACAgIAAxkBAASv"},
		"location":           {Kind: timeline.PartLocation},
		"venue":              {Kind: timeline.PartLocation, Name: "Example Hut, Trail 1"},
		"contact_other":      {Kind: "contact", Name: "Noa"},
		"poll":               {Kind: "poll", Name: "Which trail?"},
		"forward":            {Kind: "forward", Name: "Somebody"},
		"text_link":          {Kind: timeline.PartShare, Name: "here"},
		"newer_with_caption": {Kind: "hologram", Name: "hologram"},
	} {
		m := first(t, name).Message
		if m == nil || len(m.Parts) != 1 {
			t.Errorf("%s: %+v", name, m)
			continue
		}
		p := m.Parts[0]
		if p.Kind != want.Kind || p.MIME != want.MIME || p.Name != want.Name || p.Remote != want.Remote {
			t.Errorf("%s is %+v; want %+v", name, p, want)
		}
		if p.Remote != "" && p.URL != "" {
			t.Errorf("%s has the address %q, which would hold the token", name, p.URL)
		}
	}
}

func TestTextAndReplies(t *testing.T) {
	if e := first(t, "photo"); e.Message.Text != "This one" {
		t.Errorf("a caption is %q", e.Message.Text)
	}
	e := first(t, "reply")
	if e.Message.ReplyTo == nil || e.Message.ReplyTo.Remote != "5550101/90" || e.Message.Quoted != "blue" {
		t.Errorf("a reply is %+v", e.Message)
	}
	if e := first(t, "reply_story"); e.Message.ReplyTo == nil || e.Message.ReplyTo.Kind != "story" {
		t.Errorf("a reply to a story is %+v", e.Message)
	}
	if e := first(t, "dice"); e.Message.Text != "🎲 4" {
		t.Errorf("a die is %q", e.Message.Text)
	}
}

func TestStart(t *testing.T) {
	if in := decoded(t, "start"); len(in) != 1 || in[0].Event.Kind != timeline.KindMessage {
		t.Errorf("a bare /start is %+v", in)
	}
	in := decoded(t, "start_payload")
	if len(in) != 2 || in[1].Event.Referral == nil || in[1].Event.Referral.Ref != "spring-sale_7" || in[0].Event.ID == in[1].Event.ID {
		t.Errorf("a deep link is %+v", in)
	}
}

// A number is proven only where it is the sender's own.
func TestContact(t *testing.T) {
	own := decoded(t, "contact_own")[0].Links
	if len(own) != 1 || own[0].Scheme != "tel" || own[0].Value != "+41000000001" || own[0].Proof != timeline.ProofProvider {
		t.Errorf("one's own number links %+v", own)
	}
	if other := decoded(t, "contact_other")[0].Links; len(other) != 0 {
		t.Errorf("somebody else's number links %+v", other)
	}
}

func TestEdits(t *testing.T) {
	was, now := first(t, "text"), first(t, "edited")
	if now.Kind != timeline.KindEdit || now.Edit.Of.Remote != was.Remote || now.ID == was.ID || now.Edit.Rev != 1790000500 {
		t.Errorf("an edit of %s is %+v", was.Remote, now)
	}
	if e := first(t, "edited_caption"); e.Edit == nil || e.Edit.Text != "That one" {
		t.Errorf("an edited caption is %+v", e)
	}
	if e := first(t, "edited_location"); e.Unknown == nil || e.Unknown.Type != "edited_message.location" {
		t.Errorf("a live location that moved is %+v", e)
	}
	// Two edits within a second are two.
	body := string(samples(t)["edited"])
	again := strings.Replace(body, `"update_id": 4`, `"update_id": 5`, 1)
	in, _, err := opened(t, channeltest.NewHub()).Decode(sign(good(modeWebhook), []byte(again)))
	if err != nil || body == again || in[0].Event.ID == now.ID {
		t.Errorf("the second edit within a second is %+v, %v", in, err)
	}
}

// A redelivered update has the ids it had, whenever it comes; and nothing that
// came before it changes what it says, an edit before its message among them.
func TestRedeliveryAndOrder(t *testing.T) {
	all := samples(t)
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range all {
			if !yield(n) {
				return
			}
		}
	})
	read := func(names []string, at time.Time) map[string][]timeline.EventID {
		s := opened(t, channeltest.NewHub())
		out := map[string][]timeline.EventID{}
		for _, n := range names {
			c := sign(good(modeWebhook), all[n])
			c.At = at
			in, _, err := s.Decode(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range in {
				out[n] = append(out[n], i.Event.ID)
			}
		}
		return out
	}
	now := time.Date(2026, 9, 22, 8, 0, 0, 0, time.UTC)
	there := read(names, now)
	slices.Reverse(names)
	back := read(names, now.Add(time.Hour))
	seen := map[timeline.EventID]string{}
	for n, ids := range there {
		if !slices.Equal(ids, back[n]) {
			t.Errorf("%s had the ids %v and has %v", n, ids, back[n])
		}
		for _, id := range ids {
			if seen[id] != "" {
				t.Errorf("%s and %s have the same id", n, seen[id])
			}
			seen[id] = n
		}
	}
}

func TestPressed(t *testing.T) {
	in, answer, err := opened(t, channeltest.NewHub()).Decode(sign(good(modeWebhook), samples(t)["pressed"]))
	if err != nil || len(in) != 1 {
		t.Fatal(in, err)
	}
	p := in[0].Event.Postback
	if p == nil || p.Title != "Delivery" || p.Payload != "way:post" || p.Of.Remote != "5550101/130" {
		t.Errorf("a pressed button is %+v", p)
	}
	var call struct{ Method, Callback_query_id string }
	if err := json.Unmarshal(answer.Body, &call); err != nil || call.Method != "answerCallbackQuery" || call.Callback_query_id != "4382bfdwdsb323b2d9" {
		t.Errorf("it is answered %s", answer.Body)
	}
	if p := first(t, "pressed_old").Postback; p == nil || p.Title != "way:post" {
		t.Errorf("a button of a message that is no longer told is %+v", p)
	}
}

func TestReactions(t *testing.T) {
	if r := first(t, "reaction").Reaction; r == nil || r.Emoji != "❤" || r.Removed || r.Of.Remote != "5550101/130" {
		t.Errorf("a reaction is %+v", r)
	}
	if r := first(t, "reaction_removed").Reaction; r == nil || r.Emoji != "❤" || !r.Removed {
		t.Errorf("a reaction taken back is %+v", r)
	}
	if in := decoded(t, "reaction_anonymous")[0]; in.Event.Reaction == nil || in.Peer.Value != "-1002000000001" {
		t.Errorf("a group's own reaction is %+v", in)
	}
}

func TestBlocked(t *testing.T) {
	for name, want := range map[string]string{"blocked": "opt_out", "unblocked": "opt_in"} {
		if c := first(t, name).Control; c == nil || c.Name != want {
			t.Errorf("%s is %+v", name, c)
		}
	}
	if u := first(t, "bot_added").Unknown; u == nil || u.Type != "my_chat_member" {
		t.Errorf("the bot's way into a group is %+v", u)
	}
}

// In a group everybody is a thread of their own, answered in the group.
func TestGroups(t *testing.T) {
	private, in := decoded(t, "text")[0], decoded(t, "group_text")[0]
	if in.Peer != private.Peer || in.Event.Thread.ID != "-1002000000001/5550101" || in.Place != placeGroup ||
		in.To != "-1002000000001" || in.About != "Example Hikers" {
		t.Errorf("a message in a group is %+v", in)
	}
	if private.Event.Thread.ID != "5550101" || private.To != "" || private.Place != "" {
		t.Errorf("a message in private is %+v", private)
	}
	topic := decoded(t, "group_topic")[0]
	if topic.To != "-1002000000001:7" || topic.Event.Message.ReplyTo != nil {
		t.Errorf("a message in a topic is %+v", topic)
	}
	if got, ok := timeline.ThreadOf(topic.Event.Thread.Leg()); !ok || got != topic.Event.Thread {
		t.Errorf("the thread %+v comes back as %+v", topic.Event.Thread, got)
	}
	if in := decoded(t, "group_anonymous")[0]; in.Peer.Value != "-1002000000001" || in.Event.Actor.Name != "Example Hikers" {
		t.Errorf("an administrator without a name is %+v", in)
	}
}

func TestUnknownKeepsWhoAndRaw(t *testing.T) {
	for _, name := range odd {
		in := decoded(t, name)
		u := in[0].Event.Unknown
		if len(in) != 1 || u == nil || !json.Valid(u.Raw) || u.Type == "" || in[0].Peer.Value == "" {
			t.Errorf("%s is %+v", name, in)
		}
	}
	if in := decoded(t, "tomorrow")[0]; in.Peer.Value != "5550101" || in.Event.Unknown.Type != "telepathy" {
		t.Errorf("an update of tomorrow is %+v", in)
	}
}
