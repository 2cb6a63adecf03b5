package whatsapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// brief is an event in one line.
func brief(in timeline.Inbound) string {
	e := in.Event
	out := fmt.Sprintf("%s %s %s", e.Kind, e.Direction, e.Thread.ID)
	switch {
	case e.Message != nil:
		out += fmt.Sprintf(" %q", e.Message.Text)
		for _, p := range e.Message.Parts {
			out += " " + string(p.Kind)
		}
	case e.Postback != nil:
		out += fmt.Sprintf(" %q %s", e.Postback.Title, e.Postback.Payload)
	case e.Receipt != nil:
		out += fmt.Sprintf(" %s %s", e.Receipt.State, e.Receipt.Of.Remote)
	case e.Reaction != nil:
		out += fmt.Sprintf(" %q %s %v", e.Reaction.Emoji, e.Reaction.Of.Remote, e.Reaction.Removed)
	case e.Unknown != nil:
		out += " " + e.Unknown.Type
	case e.Control != nil:
		out += " " + e.Control.Name
	case e.Edit != nil:
		out += fmt.Sprintf(" %s %q", e.Edit.Of.Remote, e.Edit.Text)
	case e.Unsend != nil:
		out += " " + string(e.Unsend.Of.Remote)
	case e.Referral != nil:
		out += " " + e.Referral.Title
	}
	return out
}

// Every recorded body, in one line for each event.
func TestSamples(t *testing.T) {
	const m = mayaUser
	want := map[string][]string{
		"text":                   {`message in ` + m + ` "hello, is the lamp still there?"`},
		"text_unicode":           {`message in ` + m + ` "您好 👋"`},
		"text_without_bsuid":     {`message in 436601234567 "as before 2026"`},
		"hello_from_bsuid":       {`message in ` + m + ` "my number is my own"`},
		"no_from":                {`message in ` + m + ` "only the contact names me"`},
		"from_is_bsuid":          {`message in ` + m + ` "the number's place holds the id"`},
		"brazil":                 {`message in 5511987654321 "oi"`},
		"reply":                  {`message in ` + m + ` "that one"`},
		"forwarded":              {`message in ` + m + ` "read this"`},
		"about_product":          {`message in ` + m + ` "in blue?"`},
		"ad_referral":            {`message in ` + m + ` "tell me more"`, `referral in ` + m + ` Spring lamps · ad 120226305854810726`},
		"image":                  {`message in ` + m + ` "Is it this one?" image`},
		"video":                  {`message in ` + m + ` "" video`},
		"audio":                  {`message in ` + m + ` "" audio`},
		"voice":                  {`message in ` + m + ` "" audio`},
		"voice_old":              {`message in ` + m + ` "" audio`},
		"document":               {`message in ` + m + ` "the invoice" file`},
		"sticker":                {`message in ` + m + ` "" sticker`},
		"location":               {`message in ` + m + ` "" location`},
		"contacts":               {`message in ` + m + ` "" contact contact`},
		"reaction":               {`reaction in ` + m + ` "👍" wamid.out_status_sent false`},
		"reaction_removed":       {`reaction in ` + m + ` "" wamid.out_status_sent true`},
		"button":                 {`postback in ` + m + ` "Stop promotions" stop`},
		"button_reply":           {`postback in ` + m + ` "Yes please" yes`},
		"list_reply":             {`postback in ` + m + ` "Express" p_exp`},
		"flow_reply":             {`message in ` + m + ` "" form`},
		"order":                  {`message in ` + m + ` "please hurry" order`},
		"system_number":          {`control internal ` + m + ` identity`},
		"system_user_id":         {`control internal ` + m + ` identity`},
		"system_old":             {`control internal 436601234567 identity`},
		"edit":                   {`edit in ` + m + ` wamid.text "hello, is the red lamp there?"`},
		"revoke":                 {`unsend in ` + m + ` wamid.text_unicode`},
		"unsupported":            {`unknown in ` + m + ` unsupported`},
		"unknown_type":           {`unknown in ` + m + ` hologram`},
		"group_message":          {`unknown in account group message`},
		"message_without_sender": {`unknown in account message without sender`},
		"status_sent":            {`receipt internal ` + m + ` sent wamid.out_status_sent`},
		"status_delivered":       {`receipt internal ` + m + ` delivered wamid.out_status_delivered`},
		"status_read":            {`receipt internal ` + m + ` read wamid.out_status_read`},
		"status_played":          {`receipt internal ` + m + ` read wamid.out_status_played`},
		"status_failed":          {`receipt internal ` + m + ` failed wamid.out_status_failed`},
		"status_bsuid_only":      {`receipt internal ` + m + ` delivered wamid.out_status_bsuid_only`},
		"status_ours":            {`receipt internal ` + m + ` delivered wamid.out_status_ours`},
		"status_group":           {`receipt internal account read wamid.out_status_group`},
		"status_deleted":         {`unsend out ` + m + ` wamid.out_status_deleted`},
		"value_error":            {`unknown in account error`},
		"echo_from_the_app":      {`message out ` + m + ` "answered on the phone"`},
		"unknown_field":          {`unknown in account account_update`},
		"dashboard_test":         {`control internal account test`},
		"batch_mixed": {`message in ` + m + ` "one"`, `message in 436607654321 "two"`, `unknown in ` + m + ` unreadable message`,
			`receipt internal 436601234567 read wamid.out_b`},
	}
	for name, body := range metatest.Recorded(t, "testdata") {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, in := range decoded(t, string(body)) {
				got = append(got, brief(in))
			}
			if !slices.Equal(got, want[name]) {
				t.Errorf("%q, want %q", got, want[name])
			}
		})
	}
}

func identities(in timeline.Inbound) []string {
	out := []string{in.Peer.Scheme + ":" + in.Peer.Value}
	for _, l := range in.Links {
		out = append(out, l.Scheme+":"+l.Value)
	}
	return out
}

// wa_bsuid_only: somebody without a number becomes a contact, and is answered by the id.
func TestWaBSUIDOnly(t *testing.T) {
	for _, name := range []string{"hello_from_bsuid", "no_from", "from_is_bsuid"} {
		t.Run(name, func(t *testing.T) {
			in := one(t, string(metatest.Recorded(t, "testdata")[name]))
			if got := identities(in); !strings.HasPrefix(got[0], "bsuid:"+mayaUser) || in.Peer.Proof != timeline.ProofProvider || in.Peer.Account != channeltest.Account {
				t.Errorf("%q %+v", got, in.Peer)
			}
			if name == "hello_from_bsuid" && (string(in.To) != mayaUser || in.Peer.Display != "@maya.hikes" || in.Profile.Username != "maya.hikes") {
				t.Errorf("%s %+v", in.To, in.Peer)
			}
		})
	}
	var asked *channeltest.Request
	hub := channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
		asked = q
		return channeltest.Reply{Body: `{"messages":[{"id":"wamid.1"}]}`}
	})
	s := opened(t, hub)
	o := toMaya("hello")
	o.To = mayaUser
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Accepted || r.Remote != "wamid.1" {
		t.Fatal(r)
	}
	if b := string(asked.Body); !strings.Contains(b, `"recipient":"`+mayaUser+`"`) || strings.Contains(b, `"to":`) {
		t.Error(b)
	}
}

// wa_bsuid_then_phone: the same thread, the same contact, and the number linked to it.
func TestWaBSUIDThenPhone(t *testing.T) {
	without, with := one(t, string(metatest.Recorded(t, "testdata")["hello_from_bsuid"])), one(t, string(metatest.Recorded(t, "testdata")["text"]))
	if without.Event.Thread != with.Event.Thread || without.Peer.ID() != with.Peer.ID() {
		t.Errorf("%+v %+v", without.Peer, with.Peer)
	}
	if got := identities(with); !slices.Equal(got, []string{"bsuid:" + mayaUser, "tel:+436601234567"}) {
		t.Errorf("%q", got)
	}
	if l := with.Links[0]; l.Proof != timeline.ProofProvider || l.Account != "" {
		t.Errorf("%+v", l)
	}
	if string(with.To) != maya {
		t.Error(with.To)
	}
}

// wa_phone_change_new_bsuid: the event links who they were to who they are.
func TestWaPhoneChange(t *testing.T) {
	for name, want := range map[string][]string{
		"system_number":  {"bsuid:" + mayaUser, "tel:+436601234567", "bsuid:AT.777", "tel:+436609999999"},
		"system_user_id": {"bsuid:" + mayaUser, "bsuid:AT.888"},
		"system_old":     {"tel:+436601234567", "tel:+436608888888"},
	} {
		t.Run(name, func(t *testing.T) {
			in := one(t, string(metatest.Recorded(t, "testdata")[name]))
			if got := identities(in); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			for _, l := range in.Links {
				if !l.Proof.Verified() {
					t.Errorf("%+v", l)
				}
			}
			if len(in.Opens) > 0 {
				t.Error("a change of number is no message")
			}
		})
	}
}

// wa_brazil_9th_digit: with and without it is one contact; other numbers stay as they are.
func TestWaBrazilNinthDigit(t *testing.T) {
	for waID, want := range map[string]string{
		"551187654321":   "+5511987654321",
		"5511987654321":  "+5511987654321",
		"+5511987654321": "+5511987654321",
		"551133334444":   "+551133334444", // a landline
		"436601234567":   "+436601234567",
		"5511":           "",
		"notanumber":     "",
		"":               "",
	} {
		if got := number(waID); got != want {
			t.Errorf("%q: %q, want %q", waID, got, want)
		}
	}
	in := one(t, string(metatest.Recorded(t, "testdata")["brazil"]))
	if in.To != "551187654321" || in.Event.Thread.ID != "5511987654321" {
		t.Errorf("answered to %q on %q", in.To, in.Event.Thread.ID)
	}
}

// wa_group_message: shown, kept, and no direct message of the sender's.
func TestWaGroupMessage(t *testing.T) {
	in := one(t, string(metatest.Recorded(t, "testdata")["group_message"]))
	if in.Event.Unknown == nil || len(in.Event.Unknown.Raw) == 0 || in.Event.Thread.ID != meta.OwnThread || len(in.Opens) > 0 || in.Peer.Scheme == schemeTel {
		t.Error(metatest.JSON(t, in))
	}
}

// status_downgrade: statuses in any order are told as they are; each has an id of its own, and
// nothing is remembered of the ones before.
func TestStatusDowngrade(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	seen := map[timeline.EventID]bool{}
	for _, status := range []string{"delivered", "sent", "read", "failed", "delivered"} {
		in := took(t, s, theStatus("wamid.x", status, ""))[0]
		if string(in.Event.Receipt.State) != status || in.Event.Receipt.Of.Remote != "wamid.x" || in.Event.Receipt.Attempt != 0 {
			t.Error(metatest.JSON(t, in))
		}
		seen[in.Event.ID] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d ids for four facts", len(seen))
	}
}

// status_for_unknown_message: a status says whose it is; ours say so before we know their id.
func TestStatusForUnknownMessage(t *testing.T) {
	in := one(t, string(metatest.Recorded(t, "testdata")["status_ours"]))
	r := in.Event.Receipt
	if r.Of.Event != "m1" || r.Of.Remote != "wamid.out_status_ours" || len(r.Remotes) != 1 || r.Remotes[0] != r.Of.Remote {
		t.Errorf("%+v", r)
	}
	for _, data := range []string{"", "somebody else's", "parley:", "parley:x", "parley:/0"} {
		if r := one(t, theStatus("wamid.x", "sent", `,"biz_opaque_callback_data":"`+data+`"`)).Event.Receipt; r.Of.Event != "" || r.Remotes != nil {
			t.Errorf("%q: %+v", data, r)
		}
	}
}

// A failed status has the class, the code and the words, and what helps.
func TestStatusFailed(t *testing.T) {
	f := one(t, string(metatest.Recorded(t, "testdata")["status_failed"])).Event.Receipt.Failure
	if f == nil || f.Class != string(channels.WindowClosed) || f.Code != "131047" || !strings.Contains(f.Said, "24 hours") || f.Advice == "" {
		t.Errorf("%+v", f)
	}
	for _, e := range errorTable {
		if e.code == 0 || e.code == 2 {
			continue // told by their HTTP status
		}
		f := one(t, theStatus("wamid.x", "failed", fmt.Sprintf(`,"errors":[{"code":%d,"title":"No"}]`, e.code))).Event.Receipt.Failure
		if f == nil || f.Class != string(e.class) || f.Advice == "" {
			t.Errorf("%s: %+v", e.name, f)
		}
	}
	if f := one(t, theStatus("wamid.x", "failed", "")).Event.Receipt.Failure; f != nil {
		t.Errorf("without errors: %+v", f)
	}
}

// read_mid_vs_watermark: here a read names one message and no moment.
func TestReadNamesOneMessage(t *testing.T) {
	if r := one(t, theStatus("wamid.x", "read", "")).Event.Receipt; r.UpTo != nil || r.Of.Remote != "wamid.x" || r.State != timeline.Read {
		t.Errorf("%+v", r)
	}
}

func TestOpens(t *testing.T) {
	for name, want := range map[string]string{"text": "message known", "button_reply": "message known", "reaction": "message known",
		"echo_from_the_app": "known", "status_read": "", "system_number": ""} {
		in := decoded(t, string(metatest.Recorded(t, "testdata")[name]))[0]
		if got := strings.Join(in.Opens, " "); got != want {
			t.Errorf("%s opens %q", name, got)
		}
	}
}

// Parts have what is needed to fetch them while the far side keeps them.
func TestParts(t *testing.T) {
	part := func(name string) timeline.Part {
		return one(t, string(metatest.Recorded(t, "testdata")[name])).Event.Message.Parts[0]
	}
	p := part("voice")
	if p.MIME != "audio/ogg" || p.Remote == "" || p.Data["voice"] != "true" || p.Expires == nil || p.Expires.Sub(time.Unix(1769262485, 0)) < 6*24*time.Hour {
		t.Errorf("%+v", p)
	}
	if p := part("document"); p.Name != "invoice.pdf" || p.MIME != "application/pdf" || p.Data["sha256"] == "" {
		t.Errorf("%+v", p)
	}
	if p := part("location"); p.Data["latitude"] != "48.2082" || p.Data["longitude"] != "16.3738" || p.Name != "Stephansdom" {
		t.Errorf("%+v", p)
	}
	if p := part("contacts"); p.Name != "Ben Okafor" || p.Data["phone"] != "+43 660 7654321" || p.Data["email"] != "ben@example.com" {
		t.Errorf("%+v", p)
	}
	if p := part("order"); p.Name != "Order of 2 items" || p.Data["items"] != "2 × lamp, 30.5 EUR\n1 × bulb, 5 EUR" {
		t.Errorf("%+v", p)
	}
	if p := part("flow_reply"); p.Data["answers"] != `{"flow_token":"t","city":"Wien"}` {
		t.Errorf("%+v", p)
	}
	if p := one(t, theMessage("wamid.i", `"type":"image","image":{"mime_type":"image/png"}`)).Event.Message.Parts[0]; p.Missing != "gone" || p.Retention != timeline.RetainNever {
		t.Errorf("%+v", p)
	}
}

// Replies, products and advertisements say what they are about.
func TestReferences(t *testing.T) {
	if r := one(t, string(metatest.Recorded(t, "testdata")["reply"])).Event.Message.ReplyTo; r == nil || r.Remote != "wamid.earlier" {
		t.Errorf("%+v", r)
	}
	if r := one(t, string(metatest.Recorded(t, "testdata")["about_product"])).Event.Message.ReplyTo; r == nil || r.Kind != "product" || r.Remote != "di9ozbzfi4" {
		t.Errorf("%+v", r)
	}
	if r := decoded(t, string(metatest.Recorded(t, "testdata")["ad_referral"]))[1].Event.Referral; r.URL != "https://fb.me/3cr4Wqqkv" || r.Source != "ad" || r.Ref != "Aff-n8ZT" {
		t.Errorf("%+v", r)
	}
}

// unsupported messages say why, in the far side's words.
func TestUnsupported(t *testing.T) {
	u := one(t, string(metatest.Recorded(t, "testdata")["unsupported"])).Event.Unknown
	if !strings.Contains(u.Summary, "currently not supported") || len(u.Raw) == 0 {
		t.Errorf("%+v", u)
	}
}

// dup_inside_one_body, and timestamps_s_ms_string: the same message is one.
func TestRepeats(t *testing.T) {
	m := `{"from":"` + maya + `","id":"wamid.d","timestamp":%s,"type":"text","text":{"body":"hi"}}`
	in := decoded(t, theValue(`"messages":[`+fmt.Sprintf(m, `"1769262485"`)+","+fmt.Sprintf(m, `1769262485`)+","+fmt.Sprintf(m, `1769262485000`)+`]`))
	if len(in) != 1 || !in[0].Event.At.Equal(time.Unix(1769262485, 0)) {
		t.Error(metatest.JSON(t, in))
	}
}

// different_page: what is about another number is let go, and told once.
func TestAnotherNumber(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub)
	body := strings.ReplaceAll(theMessage("wamid.o", `"type":"text","text":{"body":"x"}`), phone, "999")
	for range 3 {
		if in := took(t, s, body); len(in) > 0 {
			t.Error(metatest.JSON(t, in))
		}
	}
	if n := strings.Count(hub.Logged(), "another number"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Split gives each number its own, and lets other objects go.
func TestSplit(t *testing.T) {
	ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, string(metatest.Recorded(t, "testdata")["batch_mixed"])))
	if err != nil || len(ss) != 2 || ss[0].Account != phone || ss[1].Account != "999" {
		t.Fatal(ss, err)
	}
	if ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, `{"object":"page","entry":[{"id":"1"}]}`)); err != nil || len(ss) > 0 {
		t.Error(ss, err)
	}
}
