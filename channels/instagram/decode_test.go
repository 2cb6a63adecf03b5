package instagram

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// brief is an event in one line: kind, direction, what it says.
func brief(in timeline.Inbound) string {
	e := in.Event
	s := string(e.Kind) + " " + string(e.Direction)
	switch {
	case e.Message != nil:
		s += " " + e.Message.Text
		for _, p := range e.Message.Parts {
			s += " [" + string(p.Kind) + " " + p.Data["type"] + " " + string(p.Retention) + "]"
		}
	case e.Edit != nil:
		s += " " + string(e.Edit.Of.Remote) + " " + e.Edit.Text
	case e.Unsend != nil:
		s += " " + string(e.Unsend.Of.Remote)
	case e.Reaction != nil:
		s += " " + string(e.Reaction.Of.Remote) + " " + e.Reaction.Emoji
	case e.Receipt != nil:
		s += " " + string(e.Receipt.Of.Remote) + " " + string(e.Receipt.State)
	case e.Postback != nil:
		s += " " + e.Postback.Title + " " + e.Postback.Payload
	case e.Referral != nil:
		s += " " + strings.Join([]string{e.Referral.Source, e.Referral.Ref, e.Referral.Title}, "|")
	case e.Control != nil:
		s += " " + e.Control.Name
	case e.Unknown != nil:
		s += " " + e.Unknown.Type
	}
	return strings.TrimSpace(s)
}

func briefs(in []timeline.Inbound) []string {
	var out []string
	for _, i := range in {
		out = append(out, brief(i))
	}
	return out
}

// What each recorded body becomes, for the account it is about most.
var catalogue = map[string][]string{
	"attachment_audio":                      {"message in  [audio audio ]"},
	"attachment_ephemeral_no_payload":       {"message in  [ephemeral ephemeral never]"},
	"attachment_file":                       {"message in  [file file ]"},
	"attachment_ig_post":                    {"message in  [share ig_post ]"},
	"attachment_ig_reel":                    {"message in  [share ig_reel ]"},
	"attachment_ig_story":                   {"message in  [share ig_story url]"},
	"attachment_image":                      {"message in  [image image ]"},
	"attachment_like_heart_no_payload":      {"message in ❤️"},
	"attachment_media":                      {"message in  [share media ]"},
	"attachment_multi_image_video":          {"message in  [image image ] [video video ]"},
	"attachment_reel":                       {"message in  [share reel ]"},
	"attachment_share":                      {"message in  [share share ]"},
	"attachment_share_and_ig_post_dual":     {"message in  [share ig_post ]"},
	"attachment_story":                      {"message in  [share story url]"},
	"attachment_story_mention":              {"message in  [share story_mention url]"},
	"attachment_unknown_type_future":        {"message in  [hologram_v9 hologram_v9 ]"},
	"attachment_video":                      {"message in  [video video ]"},
	"batch_mixed_3_entries_5_events":        {"message in 1", "receipt internal m0 read", "message in 2", "reaction in m1 ❤️"},
	"batch_one_poison_one_good":             {"unknown in unreadable messaging", "message in must survive"},
	"comment_fblogin_comment_id_parent_ad":  {"message in q"},
	"comment_iglogin_changes_as_seen_live":  {"message in love it"},
	"comment_iglogin_flat":                  {"message in love it"},
	"dashboard_test_event_changes_messages": {"control internal test"},
	"live_comment":                          {"message in love it"},
	"mention_comment":                       {"message in  [share mention url]"},
	"mention_media":                         {"message in  [share mention url]"},
	"message_deleted":                       {"unsend in " + docMessage},
	"message_echo":                          {"message out hi from business"},
	"message_edit_num_int":                  {"edit in " + docMessage + " edited"},
	"message_edit_num_string":               {"edit in " + docMessage + " edited twice"},
	"message_quick_reply":                   {"postback in Red CUSTOMER-RESPONSE-PAYLOAD"},
	"message_referral_ctd_ad":               {"message in price?", "referral in ADS|REF-DATA-IN-AD|T · ad 6045246247433"},
	"message_referral_product":              {"message in is it in stock?", "referral in product|PRODUCT-ID|"},
	"message_reply_to_mid":                  {"message in re"},
	"message_reply_to_story":                {"message in nice"},
	"message_self_test":                     {"control internal test"},
	"message_text":                          {"message in MESSAGE-TEXT"},
	"message_text_unicode":                  {"message in 您好，退款什么时候到？ äöå 😀"},
	"message_unsupported":                   {"message in  [unsupported  never]"},
	"postback":                              {"postback in SELECTED-ICEBREAKER CUSTOMER-RESPONSE-PAYLOAD"},
	"postback_entry_id_is_igsid_as_in_doc":  {"postback in SELECTED P"},
	"postback_without_mid_pre_v11":          {"postback in icebreaker question get_started"},
	"reaction_react":                        {"reaction in " + docMessage + " ❤️"},
	"reaction_unreact":                      {"reaction in " + docMessage},
	"referral_igme":                         {"referral in IGME-SOURCE-LINK|INFO|"},
	"seen":                                  {"receipt internal " + docMessage + " read"},
	"standby_message":                       {"control internal standby", "message in while another app holds the thread"},
	"story_insights":                        {"unknown in story_insights"},
	"top_level_array_as_in_doc":             {"message in MESSAGE-TEXT"},
}

func TestCatalogue(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	for name, body := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			in := took(t, s, string(body))
			if got := briefs(in); !slices.Equal(got, catalogue[name]) {
				t.Errorf("%q", got)
			}
			for _, i := range in {
				if i.Event.At.IsZero() || i.Channel != Kind || i.Peer.Value == "" {
					t.Errorf("%+v", i)
				}
				if i.Event.Unknown != nil && !json.Valid(i.Event.Unknown.Raw) {
					t.Errorf("its raw form is not kept: %q", i.Event.Unknown.Raw)
				}
			}
		})
	}
}

// The app's secret may be changed, and both apps' secrets sign.
func TestMessageNamesItsPeople(t *testing.T) {
	in := decoded(t, theItem(`"message":{"mid":"m1","text":"hi"}`))[0]
	want := timeline.Identity{Account: channeltest.Account, Scheme: "igsid", Value: maya, Proof: timeline.ProofProvider}
	if in.Peer != want || in.To != maya || in.Event.Thread.ID != maya || in.Event.Actor.ID != maya || in.Event.Remote != "m1" ||
		in.Event.ID != "acct|msg:m1" || !slices.Equal(in.Opens, []string{"message"}) || !in.Event.At.Equal(time.UnixMilli(1569262485349)) {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}

// echo_from_phone_app: it is one of us, in Instagram's own app; it opens no window.
func TestEchoFromPhoneApp(t *testing.T) {
	in := decoded(t, theEcho(`"message":{"mid":"m1","text":"hi","is_echo":true,"app_id":1217981644879628}`))[0]
	if in.Event.Direction != timeline.Out || in.Event.Actor.Kind != timeline.ActorExternal || in.Event.Actor.ID != "1217981644879628" || in.Peer.Value != maya ||
		in.Event.Thread.ID != maya || in.Event.Remote != "m1" || len(in.Opens) > 0 {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}

// echo_two_parts: text and image come back as two messages, each with its id.
func TestEchoTwoParts(t *testing.T) {
	in := decoded(t, `{"object":"instagram","entry":[{"id":"`+me+`","messaging":[`+
		`{"sender":{"id":"`+me+`"},"recipient":{"id":"`+maya+`"},"timestamp":1,"message":{"mid":"a","is_echo":true,"text":"x"}},`+
		`{"sender":{"id":"`+me+`"},"recipient":{"id":"`+maya+`"},"timestamp":1,"message":{"mid":"b","is_echo":true,"attachments":[{"type":"image","payload":{"url":"https://x/y"}}]}}]}]}`)
	if len(in) != 2 || in[0].Event.Remote != "a" || in[1].Event.Remote != "b" || in[1].Event.Message.Parts[0].Kind != timeline.PartImage {
		t.Error(briefs(in))
	}
}

// echo_self_loop: what the account writes to itself is told as a test, and begins nothing.
func TestEchoSelfLoop(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	body := strings.ReplaceAll(theEcho(`"message":{"mid":"m1","text":"self","is_self":true,"is_echo":true}`), maya, me)
	for range 100 {
		in := took(t, s, body)
		if len(in) != 1 || in[0].Event.Kind != timeline.KindControl || in[0].Event.Direction != timeline.Internal || in[0].Event.Control.Data["by"] != "self" {
			t.Fatal(briefs(in))
		}
	}
}

// The account's other id is its own as well.
func TestAppScopedIDIsOurs(t *testing.T) {
	in := decoded(t, strings.ReplaceAll(theEcho(`"message":{"mid":"m1","text":"x","is_echo":true}`), `"sender":{"id":"`+me, `"sender":{"id":"555`), "appUserId", "555")
	if len(in) != 1 || in[0].Event.Direction != timeline.Out || in[0].Peer.Value != maya {
		t.Error(briefs(in))
	}
}

// dup_two_logins_same_mid: the flavour is no part of an event's id.
func TestDupTwoLoginsSameMid(t *testing.T) {
	for name, body := range recorded(t) {
		a, b := decoded(t, string(body), "flavour", "facebook", "pageId", "7"), decoded(t, string(body))
		if metatest.JSON(t, a) != metatest.JSON(t, b) {
			t.Errorf("%s: the two logins differ", name)
		}
	}
}

// dup_inside_one_body.
func TestDupInsideOneBody(t *testing.T) {
	one := `{"sender":{"id":"` + maya + `"},"recipient":{"id":"` + me + `"},"timestamp":1,"message":{"mid":"m1","text":"x"}}`
	in := decoded(t, `{"object":"instagram","entry":[{"id":"`+me+`","messaging":[`+one+`,`+one+`]},{"id":"`+me+`","messaging":[`+one+`]}]}`)
	if len(in) != 1 {
		t.Error(briefs(in))
	}
}

// same_mid_different_kind: a message, its edit, a reaction to it, reading and taking it back are five facts.
func TestSameMidDifferentKind(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	ids := map[timeline.EventID]bool{}
	for _, f := range []string{`"message":{"mid":"m","text":"x"}`, `"message_edit":{"mid":"m","text":"y","num_edit":1}`, `"message_edit":{"mid":"m","text":"z","num_edit":"2"}`,
		`"reaction":{"mid":"m","action":"react","emoji":"❤"}`, `"reaction":{"mid":"m","action":"unreact"}`, `"read":{"mid":"m"}`, `"message":{"mid":"m","is_deleted":true}`, `"postback":{"mid":"m","title":"t"}`} {
		in := took(t, s, theItem(f))
		if len(in) != 1 || ids[in[0].Event.ID] {
			t.Errorf("%s: %v", f, briefs(in))
		}
		ids[in[0].Event.ID] = true
	}
}

// edit_num_int|string: the number of the edit counts, however it is written.
func TestEditNum(t *testing.T) {
	a := decoded(t, theItem(`"message_edit":{"mid":"m","text":"x","num_edit":2}`))
	b := decoded(t, theItem(`"message_edit":{"mid":"m","text":"x","num_edit":"2"}`))
	if metatest.JSON(t, a) != metatest.JSON(t, b) || a[0].Event.Edit.Rev != 2 || a[0].Event.ID != "acct|edit:m:2" {
		t.Error(metatest.JSON(t, a), metatest.JSON(t, b))
	}
}

// timestamps_s_ms_string.
func TestItemTimestamps(t *testing.T) {
	want := time.UnixMilli(1569262485000).UTC()
	for _, at := range []string{`1569262485`, `1569262485000`, `"1569262485"`, `"1569262485000"`} {
		in := decoded(t, strings.Replace(theItem(`"message":{"mid":"m","text":"x"}`), "1569262485349", at, 1))
		if !in[0].Event.At.Equal(want) {
			t.Errorf("%s: %v", at, in[0].Event.At)
		}
	}
	in := decoded(t, strings.Replace(theItem(`"message":{"mid":"m","text":"x"}`), "1569262485349", `"soon"`, 1))
	if !in[0].Event.At.Equal(time.UnixMilli(1569262486134)) {
		t.Errorf("without a moment of its own the entry's counts: %v", in[0].Event.At)
	}
}

func TestReactionsByName(t *testing.T) {
	for name, emoji := range emojis {
		in := decoded(t, theItem(`"reaction":{"mid":"m","action":"react","reaction":"`+name+`"}`))
		if in[0].Event.Reaction.Emoji != emoji || in[0].Event.Reaction.Removed {
			t.Errorf("%s: %+v", name, in[0].Event.Reaction)
		}
	}
	if in := decoded(t, theItem(`"reaction":{"mid":"m","action":"unreact"}`)); !in[0].Event.Reaction.Removed {
		t.Error("not removed")
	}
}

// reply_to_unknown_mid: the reference is kept as it is. A story keeps its address.
func TestReplyTo(t *testing.T) {
	in := decoded(t, theItem(`"message":{"mid":"m","text":"x","reply_to":{"mid":"never-seen"}}`))
	if r := in[0].Event.Message.ReplyTo; r == nil || r.Remote != "never-seen" || r.Kind != "" {
		t.Errorf("%+v", r)
	}
	in = decoded(t, theItem(`"message":{"mid":"m","text":"x","reply_to":{"story":{"url":"https://cdn/x","id":"S"}}}`))
	if r := in[0].Event.Message.ReplyTo; r == nil || r.Remote != "S" || r.Kind != "story" || r.URL != "https://cdn/x" {
		t.Errorf("%+v", r)
	}
}

// sticker_image_and_sticker_pair and share+ig_post pair are one thing each; two things are two.
func TestPairs(t *testing.T) {
	a := func(kind, payload string) string { return `{"type":"` + kind + `","payload":{` + payload + `}}` }
	for name, c := range map[string]struct{ attachments, want string }{
		"image and sticker":   {a("image", `"url":"https://x/1"`) + "," + a("sticker", `"url":"https://x/1","sticker_id":5`), "sticker"},
		"sticker and image":   {a("sticker", `"url":"https://x/1","sticker_id":5`) + "," + a("image", `"url":"https://x/2","sticker_id":"5"`), "sticker"},
		"share and ig_post":   {a("share", `"url":"https://x/1"`) + "," + a("ig_post", `"url":"https://x/1","title":"t"`), "ig_post"},
		"ig_post and share":   {a("ig_post", `"url":"https://x/1","title":"t"`) + "," + a("share", `"url":"https://x/1"`), "ig_post"},
		"two images":          {a("image", `"url":"https://x/1"`) + "," + a("image", `"url":"https://x/1"`), "image image"},
		"two posts":           {a("ig_post", `"url":"https://x/1"`) + "," + a("ig_post", `"url":"https://x/2"`), "ig_post ig_post"},
		"image and a sticker": {a("image", `"url":"https://x/1"`) + "," + a("sticker", `"url":"https://x/2","sticker_id":5`), "image sticker"},
	} {
		in := decoded(t, theItem(`"message":{"mid":"m","attachments":[`+c.attachments+`]}`))
		var got []string
		for _, p := range in[0].Event.Message.Parts {
			got = append(got, p.Data["type"])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// story_mention_media: only the address is kept while the story lasts, or nothing at all.
func TestStoryMentionMedia(t *testing.T) {
	body := theItem(`"message":{"mid":"m","attachments":[{"type":"story_mention","payload":{"url":"https://cdn/x"}}]}`)
	p := decoded(t, body)[0].Event.Message.Parts[0]
	if p.Retention != timeline.RetainURL || p.URL != "https://cdn/x" || p.Expires == nil || !p.Expires.Equal(time.UnixMilli(1569262485349).Add(24*time.Hour)) || p.Remote != "" {
		t.Errorf("%+v", p)
	}
	p = decoded(t, body, "stories", "never")[0].Event.Message.Parts[0]
	if p.Retention != timeline.RetainNever || p.URL != "" || p.Expires != nil {
		t.Errorf("%+v", p)
	}
}

func TestAttachmentAddresses(t *testing.T) {
	p := decoded(t, theItem(`"message":{"mid":"m","attachments":[{"type":"like_heart"},{"type":"image","payload":{"url":"https://cdn/x?oe=65000000&a=b"}}]}`))[0].Event.Message.Parts[0]
	if p.Remote != "m#1" || p.Expires == nil || p.Expires.Unix() != 0x65000000 || p.Retention != "" {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{`"javascript:alert(1)"`, `"file:///etc/passwd"`, `"//x"`, `""`} {
		p := decoded(t, theItem(`"message":{"mid":"m","attachments":[{"type":"image","payload":{"url":`+bad+`}}]}`))[0].Event.Message.Parts[0]
		if p.URL != "" || p.Remote != "" {
			t.Errorf("%s: %+v", bad, p)
		}
	}
}

// A shared post is named by how its caption begins, in one line.
func TestShareIsNamed(t *testing.T) {
	for caption, want := range map[string]string{`A new\nvase`: "A new vase", strings.Repeat("字", 200): strings.Repeat("字", 119) + "…"} {
		p := decoded(t, theItem(`"message":{"mid":"m","attachments":[{"type":"ig_post","payload":{"url":"https://x/1","title":"`+caption+`","ig_post_media_id":"179"}}]}`))[0].Event.Message.Parts[0]
		if p.Name != want || p.Data["post"] != "179" {
			t.Errorf("%q %v", p.Name, p.Data)
		}
	}
}

// unknown_attachment_type: shown by its name, with what came.
func TestUnknownAttachmentType(t *testing.T) {
	p := decoded(t, theItem(`"message":{"mid":"m","attachments":[{"type":"hologram_v9","payload":{"blob":{"k":1}}}]}`))[0].Event.Message.Parts[0]
	if p.Kind != "hologram_v9" || p.Data["payload"] != `{"blob":{"k":1}}` {
		t.Errorf("%+v", p)
	}
}

// unknown_top_level_event: on the person's thread where one is named, else on the account's own.
func TestUnknownTopLevelEvent(t *testing.T) {
	in := decoded(t, theItem(`"telepathy":{"a":1}`))
	if len(in) != 1 || in[0].Event.Unknown == nil || in[0].Event.Unknown.Type != "telepathy" || in[0].Event.Thread.ID != maya || !strings.Contains(string(in[0].Event.Unknown.Raw), `"telepathy":{"a":1}`) {
		t.Error(metatest.JSON(t, in))
	}
	in = decoded(t, `{"object":"instagram","entry":[{"id":"`+me+`","hologram":[{"x":1}]}]}`)
	if len(in) != 1 || in[0].Event.Unknown == nil || in[0].Event.Thread.ID != meta.OwnThread || in[0].Peer.Value != me {
		t.Error(metatest.JSON(t, in))
	}
}

// different_page: what is about somebody else is let go, and logged once.
// ig_sig_no_oracle: neither answer nor log tells what was expected, or what came.
func TestThreadControl(t *testing.T) {
	for field, want := range map[string]map[string]string{
		`"pass_thread_control":{"new_owner_app_id":1217981644879628,"metadata":"x"}`:      {"action": "pass", "app": "1217981644879628", "name": "Instagram inbox", "metadata": "x"},
		`"take_thread_control":{"previous_owner_app_id":"12","new_owner_app_id":"34"}`:    {"action": "take", "app": "34", "previous": "12"},
		`"request_thread_control":{"requested_owner_app_id":"34"}`:                        {"action": "request", "app": "34"},
		`"optin":{"type":"notification_messages","payload":"p"}`:                          {"type": "notification_messages", "payload": "p"},
		`"release_thread_control":{"previous_owner_app_id":"12","new_owner_app_id":"56"}`: {"action": "release", "app": "56", "previous": "12"},
	} {
		in := decoded(t, theItem(field))
		if len(in) != 1 || in[0].Event.Control == nil || metatest.JSON(t, in[0].Event.Control.Data) != metatest.JSON(t, want) || in[0].Event.Direction != timeline.Internal {
			t.Errorf("%s: %s", field, metatest.JSON(t, in))
		}
	}
}

// standby events are stored; the thread is told to be held by another app once an hour.
func TestStandby(t *testing.T) {
	s := opened(t, channeltest.NewHub())
	body := strings.Replace(theItem(`"message":{"mid":"m1","text":"x"}`), `"messaging"`, `"standby"`, 1)
	a := took(t, s, body)
	b := took(t, s, strings.Replace(body, "m1", "m2", 1))
	if len(a) != 2 || a[0].Event.Control == nil || a[0].Event.Control.Name != "standby" || a[1].Event.Message == nil || a[0].Event.ID != b[0].Event.ID || a[1].Event.ID == b[1].Event.ID {
		t.Error(briefs(a), briefs(b))
	}
}

// read_mid_vs_watermark: seen names a message; what is meant by it is the hub's to say.
func TestReadMid(t *testing.T) {
	in := decoded(t, theItem(`"read":{"mid":"m9"}`))[0]
	if r := in.Event.Receipt; r == nil || r.Of.Remote != "m9" || r.UpTo != nil || r.State != timeline.Read || in.Event.ID != "acct|read:m9" {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}

// batch_mixed_3_entries_5_events: each account gets its own, and nothing of the other's.
// ig_verify_ok, ig_verify_wrong_token, ig_verify_mode_unsubscribe at the shared address; ig_verify_db_down:
// nothing but the app's settings is needed.
func TestReferralInPostback(t *testing.T) {
	in := decoded(t, theItem(`"postback":{"mid":"m","title":"Hi","payload":"P","referral":{"ref":"R","source":"ADS","ad_id":"9"}}`))
	if got := briefs(in); !slices.Equal(got, []string{"postback in Hi P", "referral in ADS|R|ad 9"}) {
		t.Errorf("%q", got)
	}
	if !slices.Equal(in[0].Opens, []string{"message"}) || len(in[1].Opens) > 0 {
		t.Error("opens", in[0].Opens, in[1].Opens)
	}
}

// webhook_3mb_batch: a thousand updates in one body.
func TestThousandUpdates(t *testing.T) {
	var items []string
	for i := range 1000 {
		items = append(items, strings.NewReplacer("MID", "m"+strings.Repeat("x", i%7)+time.Duration(i).String(), "TEXT", strings.Repeat(`\u60a8`, 400)).Replace(
			`{"sender":{"id":"`+maya+`"},"recipient":{"id":"`+me+`"},"timestamp":1569262485349,"message":{"mid":"MID","text":"TEXT"}}`))
	}
	body := `{"object":"instagram","entry":[{"id":"` + me + `","messaging":[` + strings.Join(items, ",") + `]}]}`
	if in := decoded(t, body); len(in) != 1000 {
		t.Error(len(in))
	}
}
