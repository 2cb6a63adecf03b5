package messenger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
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
	case e.Receipt != nil && e.Receipt.UpTo != nil:
		out += fmt.Sprintf(" %s until %d", e.Receipt.State, e.Receipt.UpTo.UnixMilli())
	case e.Receipt != nil:
		out += fmt.Sprintf(" %s %s", e.Receipt.State, e.Receipt.Of.Remote)
	case e.Reaction != nil:
		out += fmt.Sprintf(" %q %s %v", e.Reaction.Emoji, e.Reaction.Of.Remote, e.Reaction.Removed)
	case e.Unknown != nil:
		out += " " + e.Unknown.Type
	case e.Control != nil:
		out += " " + e.Control.Name + " " + e.Control.Data["action"]
	case e.Edit != nil:
		out += fmt.Sprintf(" %s %q", e.Edit.Of.Remote, e.Edit.Text)
	case e.Unsend != nil:
		out += " " + string(e.Unsend.Of.Remote)
	case e.Referral != nil:
		out += " " + e.Referral.Source + " " + e.Referral.Ref
	}
	return strings.TrimSpace(out)
}

// Every recorded body, in one line for each event.
func TestSamples(t *testing.T) {
	const m = maya
	want := map[string][]string{
		"message_text":                {`message in ` + m + ` "hello, is the lamp still there?"`},
		"message_unicode":             {`message in ` + m + ` "您好 👋 café"`},
		"message_reply":               {`message in ` + m + ` "that one"`},
		"message_quick_reply":         {`postback in ` + m + ` "Red" COLOR_RED`},
		"attachment_image":            {`message in ` + m + ` "" image`},
		"attachment_video":            {`message in ` + m + ` "" video`},
		"attachment_audio":            {`message in ` + m + ` "" audio`},
		"attachment_file":             {`message in ` + m + ` "" file`},
		"attachment_three_images":     {`message in ` + m + ` "" image image image`},
		"attachment_location":         {`message in ` + m + ` "" location`},
		"attachment_fallback":         {`message in ` + m + ` "look at this https://shop.example/lamp" share`},
		"attachment_share":            {`message in ` + m + ` "" share`},
		"attachment_post_pair":        {`message in ` + m + ` "" share`},
		"attachment_reel":             {`message in ` + m + ` "" share`},
		"attachment_template_product": {`message in ` + m + ` "" template`},
		"attachment_sticker_old":      {`message in ` + m + ` "" sticker`},
		"attachment_sticker_pair":     {`message in ` + m + ` "" sticker`},
		"attachment_sticker_new":      {`message in ` + m + ` "" sticker`},
		"attachment_unknown_type":     {`message in ` + m + ` "" hologram`},
		"message_unsupported":         {`message in ` + m + ` "" unsupported`},
		"message_deleted":             {`unsend in ` + m + ` m_message_deleted`},
		"message_ad_referral":         {`message in ` + m + ` "I saw your ad"`, `referral in ` + m + ` ADS spring`},
		"message_product_referral":    {`message in ` + m + ` "price?"`, `referral in ` + m + ` product 771`},
		"echo_text":                   {`message out ` + m + ` "Yes, it is!"`},
		"echo_page_inbox":             {`message out ` + m + ` "Answered by hand"`},
		"echo_image":                  {`message out ` + m + ` "" image`},
		"echo_template":               {`message out ` + m + ` "" template`},
		"standby_message":             {`control internal ` + m + ` standby`, `message in ` + m + ` "in the other app's hands"`},
		"message_edit":                {`edit in ` + m + ` m_message_text "hello, is the red lamp still there?"`},
		"reaction_react":              {`reaction in ` + m + ` "❤️" m_echo_text false`},
		"reaction_unreact":            {`reaction in ` + m + ` "" m_echo_text true`},
		"delivery":                    {`receipt internal ` + m + ` delivered m_echo_text`, `receipt internal ` + m + ` delivered until 1769262535349`},
		"delivery_watermark_only":     {`receipt internal ` + m + ` delivered until 1769262545349`},
		"read":                        {`receipt internal ` + m + ` read until 1769262555349`},
		"postback":                    {`postback in ` + m + ` "Get started" GET_STARTED`},
		"postback_without_mid":        {`postback in ` + m + ` "Prices" PRICES`},
		"postback_referral":           {`postback in ` + m + ` "Get started" GO`, `referral in ` + m + ` SHORTLINK flyer`},
		"referral":                    {`referral in ` + m + ` SHORTLINK flyer-2`},
		"referral_chat_plugin":        {`referral in ` + m + ` CUSTOMER_CHAT_PLUGIN footer`},
		"optin_notification":          {`control internal ` + m + ` opt_in`},
		"handover_pass":               {`control internal ` + m + ` owner pass`},
		"handover_take":               {`control internal ` + m + ` owner take`},
		"handover_request":            {`control internal ` + m + ` owner request`},
		"unknown_item":                {`unknown in ` + m + ` teleport`},
		"unknown_field":               {`unknown in account ratings`},
		"feed_comment":                {`message in comment:555_1 "How much is it?"`},
		"feed_comment_reply":          {`message in comment:555_1 "and the red one?"`},
		"feed_comment_photo":          {`message in comment:555_3 "" image`},
		"feed_comment_plain":          {`message in comment:555_6 "mine"`},
		"feed_comment_without_author": {`message in comment:555_7 "who am I?"`},
		"feed_comment_edited":         {`edit in comment:555_1 555_1 "How much is the lamp?"`},
		"feed_comment_removed":        {`unsend in comment:555_4 555_4`},
		"feed_comment_hidden":         {`control internal comment:555_5 hide`},
		"feed_reaction":               {`reaction in comment:555_1 "😆" 555_1 false`},
		"feed_visitor_post":           {`message in comment:` + page + `_777 "Lovely shop!"`},
		"feed_post_like":              {`reaction in comment:` + page + `_555 "👍" ` + page + `_555 false`},
		"feed_unknown_item":           {`unknown in account feed hologram add`},
		"dashboard_test":              {`control internal account test`},
		"batch_mixed": {`message in ` + m + ` "one"`, `receipt internal ` + m + ` read until 1769262685350`,
			`message in ` + m + ` "two"`},
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

// read_mid_vs_watermark: a read marks all of ours until a moment; so does a delivery, beside the
// messages that it names.
func TestReadMidVsWatermark(t *testing.T) {
	in := one(t, theItem(`"read":{"watermark":1769262480000}`))
	r := in.Event.Receipt
	if r.State != timeline.Read || r.UpTo == nil || !r.UpTo.Equal(time.UnixMilli(1769262480000)) || r.Of.Remote != "" {
		t.Errorf("%+v", r)
	}
	if again := one(t, theItem(`"read":{"watermark":"1769262480000"}`)); again.Event.ID != in.Event.ID {
		t.Error("the same moment has two ids")
	}
	both := decoded(t, theItem(`"delivery":{"mids":["m_1","m_2"],"watermark":1769262480000}`))
	if len(both) != 3 || both[0].Event.Receipt.Of.Remote != "m_1" || both[2].Event.Receipt.UpTo == nil || both[2].Event.Receipt.State != timeline.Delivered {
		t.Error(metatest.JSON(t, both))
	}
	if in := one(t, theItem(`"read":{}`)); in.Event.Unknown == nil {
		t.Error(metatest.JSON(t, in))
	}
}

// sticker_image_and_sticker_pair, and a post told as share: each is one.
func TestPairs(t *testing.T) {
	p := one(t, string(metatest.Recorded(t, "testdata")["attachment_sticker_pair"])).Event.Message.Parts
	if len(p) != 1 || p[0].Kind != timeline.PartSticker || p[0].Data["type"] != "sticker" || p[0].Data["sticker"] != "88" {
		t.Errorf("%+v", p)
	}
	p = one(t, string(metatest.Recorded(t, "testdata")["attachment_post_pair"])).Event.Message.Parts
	if len(p) != 1 || p[0].Data["post"] != "2" || p[0].Retention != timeline.RetainURL {
		t.Errorf("%+v", p)
	}
	two := one(t, theItem(`"message":{"mid":"m_two","attachments":[{"type":"image","payload":{"url":"https://x.example/a"}},{"type":"image","payload":{"url":"https://x.example/a"}}]}`))
	if len(two.Event.Message.Parts) != 2 {
		t.Error("the same picture sent twice is two")
	}
}

// Parts say where they are and what they show.
func TestParts(t *testing.T) {
	part := func(name string) timeline.Part {
		return one(t, string(metatest.Recorded(t, "testdata")[name])).Event.Message.Parts[0]
	}
	if p := part("attachment_location"); p.Data["latitude"] != "48.2082" || p.Data["longitude"] != "16.3738" || p.Name != "Maya's location" {
		t.Errorf("%+v", p)
	}
	if p := part("attachment_fallback"); p.Name != "A lamp" || p.URL != "https://shop.example/lamp" || p.Retention != timeline.RetainURL {
		t.Errorf("%+v", p)
	}
	if p := part("attachment_template_product"); p.Name != "Desk lamp" {
		t.Errorf("%+v", p)
	}
	if p := part("attachment_file"); p.Remote != "m_attachment_file#0" || p.URL == "" || p.Retention != "" {
		t.Errorf("%+v", p)
	}
	if p := part("attachment_unknown_type"); p.Data["payload"] == "" {
		t.Errorf("%+v", p)
	}
}

// echo_from_phone_app: somebody answered in the Page's inbox; echo_self_loop: an echo is never
// the person's, and opens nothing.
func TestEchoes(t *testing.T) {
	in := one(t, string(metatest.Recorded(t, "testdata")["echo_page_inbox"]))
	if in.Event.Actor.Kind != timeline.ActorExternal || in.Event.Actor.Name != "Page inbox" || len(in.Opens) > 0 || in.Peer.Value != maya || string(in.To) != maya {
		t.Error(metatest.JSON(t, in))
	}
	for _, body := range []string{theEcho(`"message":{"mid":"m_e","text":"no mark"}`), theEcho(`"message":{"mid":"m_e","is_echo":true,"text":"marked"}`)} {
		if in := one(t, body); in.Event.Direction != timeline.Out || len(in.Opens) > 0 {
			t.Error(metatest.JSON(t, in))
		}
	}
	self := strings.ReplaceAll(theEcho(`"message":{"mid":"m_e","is_echo":true,"text":"to itself"}`), maya, page)
	if in := one(t, self); in.Event.Control == nil || in.Event.Control.Name != "test" {
		t.Error(metatest.JSON(t, in))
	}
}

// edit_num_int|string, and edit_before_original: an edit needs nothing but the message's id.
func TestEdits(t *testing.T) {
	for n, body := range map[int]string{1: `"num_edit":1`, 2: `"num_edit":"2"`} {
		in := one(t, theItem(`"message_edit":{"mid":"m_x","text":"new",`+body+`}`))
		if in.Event.Edit.Rev != n || in.Event.Edit.Of.Remote != "m_x" {
			t.Error(metatest.JSON(t, in))
		}
	}
}

// same_mid_different_kind: a message, its reaction, its edit and its unsending are four.
func TestSameMidDifferentKind(t *testing.T) {
	seen := map[timeline.EventID]bool{}
	for _, fields := range []string{`"message":{"mid":"m_x","text":"a"}`, `"message":{"mid":"m_x","is_deleted":true}`,
		`"reaction":{"mid":"m_x","action":"react","reaction":"love"}`, `"reaction":{"mid":"m_x","action":"unreact"}`, `"message_edit":{"mid":"m_x","text":"b","num_edit":1}`} {
		seen[one(t, theItem(fields)).Event.ID] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d ids for five facts", len(seen))
	}
}

func TestReactionNames(t *testing.T) {
	for fields, want := range map[string]string{`"reaction":"love"`: "❤️", `"reaction":"other","emoji":"🦊"`: "🦊", `"reaction":"other"`: "❔", `"reaction":"smile"`: "😆"} {
		if in := one(t, theItem(`"reaction":{"mid":"m_x","action":"react",`+fields+`}`)); in.Event.Reaction.Emoji != want {
			t.Errorf("%s: %q", fields, in.Event.Reaction.Emoji)
		}
	}
}

func TestOpens(t *testing.T) {
	for name, want := range map[string]string{"message_text": "message", "message_quick_reply": "message", "postback": "message", "standby_message": "",
		"read": "", "referral": "", "reaction_react": "", "echo_text": "", "feed_comment": ""} {
		if got := strings.Join(decoded(t, string(metatest.Recorded(t, "testdata")[name]))[0].Opens, " "); got != want {
			t.Errorf("%s opens %q", name, got)
		}
	}
}

// comment_changes, and comment_does_not_open_window: a comment is public, and offers the private
// thread with a window of its own.
func TestComment(t *testing.T) {
	in := one(t, string(metatest.Recorded(t, "testdata")["feed_comment"]))
	if in.Place != Place || string(in.To) != "555_1" || in.Event.Thread.Parent != page+"_555" || in.About != "Photo" || len(in.Opens) > 0 || in.Peer.Scheme != scheme || in.Peer.Display != "Maya Rivera" {
		t.Error(metatest.JSON(t, in))
	}
	if len(in.Offers) != 1 || string(in.Offers[0].Thread.ID) != maya || in.Offers[0].Place != "" || !slices.Equal(in.Offers[0].Opens, []string{openComment}) {
		t.Errorf("%+v", in.Offers)
	}
	if r := in.Event.Message.ReplyTo; r == nil || r.Kind != "post" || r.URL != "https://www.facebook.com/1" {
		t.Errorf("%+v", r)
	}
	below := one(t, string(metatest.Recorded(t, "testdata")["feed_comment_reply"]))
	if below.Event.Thread != in.Event.Thread || below.Event.Message.ReplyTo.Remote != "555_1" || below.Event.Message.ReplyTo.Kind != "comment" {
		t.Error(metatest.JSON(t, below))
	}
	nobody := one(t, string(metatest.Recorded(t, "testdata")["feed_comment_without_author"]))
	if nobody.Peer.Scheme != Place || nobody.Peer.Proof != timeline.ProofNone || len(nobody.Offers) > 0 {
		t.Error(metatest.JSON(t, nobody))
	}
	own := strings.Replace(theFeed(`"item":"comment","verb":"add","comment_id":"555_9","message":"ours"`), `"id":"`+maya, `"id":"`+page, 1)
	if in := decoded(t, own); len(in) > 0 {
		t.Error("our own comment came back: " + metatest.JSON(t, in))
	}
}

// A removed comment that the Page itself took away is gone as well.
func TestCommentRemovedByThePage(t *testing.T) {
	own := strings.Replace(theFeed(`"item":"comment","verb":"remove","comment_id":"555_9"`), `"id":"`+maya, `"id":"`+page, 1)
	if in := one(t, own); in.Event.Unsend == nil || in.Event.Unsend.Of.Remote != "555_9" {
		t.Error(metatest.JSON(t, in))
	}
}

// standby: another app holds the thread; what it says comes in, and is told once an hour.
func TestStandby(t *testing.T) {
	in := decoded(t, string(metatest.Recorded(t, "testdata")["standby_message"]))
	if len(in) != 2 || in[0].Event.Control.Name != "standby" || in[1].Event.Message == nil || in[1].Opens == nil {
		t.Error(metatest.JSON(t, in))
	}
}

// different_page: what is about another Page is let go, and told once.
func TestDifferentPage(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub).(channels.Decoder)
	body := strings.ReplaceAll(theItem(`"message":{"mid":"m_x","text":"x"}`), page, "777")
	for range 3 {
		if in, _, err := s.Decode(metatest.Signed(secret, body)); err != nil || len(in) > 0 {
			t.Error(metatest.JSON(t, in), err)
		}
	}
	if n := strings.Count(hub.Logged(), "another Page"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// batch: Split gives each Page its own; object_page_vs_instagram_vs_whatsapp lets others go.
func TestSplit(t *testing.T) {
	ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, string(metatest.Recorded(t, "testdata")["batch_mixed"])))
	if err != nil || len(ss) != 2 || ss[0].Account != page || ss[1].Account != "888" {
		t.Fatal(ss, err)
	}
	ss, _, err = Channel.Split(appValues(), metatest.Signed(secret, theEcho(`"message":{"mid":"m_e","is_echo":true,"text":"x"}`)))
	if err != nil || len(ss) != 1 || ss[0].Account != page {
		t.Error(ss, err)
	}
	for _, o := range []string{"instagram", "whatsapp_business_account", "user"} {
		if ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, `{"object":"`+o+`","entry":[{"id":"1","messaging":[{}]}]}`)); err != nil || len(ss) > 0 {
			t.Error(o, ss, err)
		}
	}
}

// batch_one_poison_one_good: what cannot be read does not spoil what can.
func TestPoison(t *testing.T) {
	in := decoded(t, `{"object":"page","entry":[{"id":"`+page+`","messaging":[{"sender":{"id":"`+maya+`"},"recipient":{"id":"`+page+`"},"message":"what?"},
{"sender":{"id":"`+maya+`"},"recipient":{"id":"`+page+`"},"timestamp":1769262485,"message":{"mid":"m_good","text":"good"}}]}]}`)
	if len(in) != 2 || in[0].Event.Unknown == nil || string(in[0].Event.Thread.ID) != maya || in[1].Event.Message.Text != "good" || !in[1].Event.At.Equal(time.Unix(1769262485, 0)) {
		t.Error(metatest.JSON(t, in))
	}
}

// An unknown item is named the same each time, whatever its fields are called.
func TestUnknownIsNamedTheSame(t *testing.T) {
	for fields, want := range map[string]string{`"":8,"20":{}`: "20", `"b":1,"a":2`: "a", `"":8`: "update"} {
		for range 20 {
			if u := one(t, theItem(fields)).Event.Unknown; u == nil || u.Type != want {
				t.Fatalf("%s: %+v", fields, u)
			}
		}
	}
}
