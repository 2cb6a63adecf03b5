package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// shape is a body with every value replaced by its kind: what remains are the keys, in their
// order, and the nesting.
func shape(v any) any {
	switch x := v.(type) {
	case wire.Obj:
		o := wire.Obj{}
		for _, f := range x {
			o = o.With(f.Key, shape(f.Value))
		}
		return o
	case []any:
		out := []any{}
		for _, e := range x {
			out = append(out, shape(e))
		}
		return out
	case string:
		return "text"
	case json.Number:
		return json.Number("1")
	}
	return v
}

func shapeOf(t *testing.T, raw []byte) string {
	t.Helper()
	v, err := wire.Parse(raw)
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return string(wire.Marshal(shape(v)))
}

// TestShapesOfRecordedBodies makes each recorded body happen and compares keys, order and
// kinds of values with what is delivered.
func TestShapesOfRecordedBodies(t *testing.T) {
	dir := recorded(t)
	ad := json.RawMessage(`{"ref":"R","ad_id":"60","source":"ADS","type":"OPEN_THREAD","ads_context_data":{"ad_title":"T","photo_url":"https://x/","video_url":"https://x/"}}`)
	future := json.RawMessage(`{"type":"hologram_v9","payload":{"blob":{"k":1}}}`)
	attach := func(kind string) m { return m{"do": "dm", "attachments": []m{{"type": kind}}} }
	cases := []struct {
		file string
		set  m
		act  m
		node string

		unordered bool // the documentation sorted the keys of this one
	}{
		{file: "message_text.json", act: m{"do": "dm", "text": "x"}},
		{file: "message_text_unicode.json", act: m{"do": "dm", "text": "您好"}},
		{file: "attachment_audio.json", act: attach("audio")},
		{file: "attachment_file.json", act: attach("file")},
		{file: "attachment_image.json", act: attach("image")},
		{file: "attachment_video.json", act: attach("video")},
		{file: "attachment_media.json", act: attach("media")},
		{file: "attachment_reel.json", act: attach("reel")},
		{file: "attachment_ig_reel.json", act: attach("ig_reel")},
		{file: "attachment_story.json", act: attach("story")},
		{file: "attachment_ig_story.json", act: attach("ig_story")},
		{file: "attachment_ephemeral_no_payload.json", act: attach("ephemeral")},
		{file: "attachment_like_heart_no_payload.json", act: attach("like_heart")},
		{file: "attachment_story_mention.json", act: m{"do": "story_mention"}},
		{file: "attachment_multi_image_video.json", act: m{"do": "dm", "attachments": []m{{"type": "image"}, {"type": "video"}}}},
		{file: "attachment_share_and_ig_post_dual.json", set: m{"share": "both"}, act: m{"do": "dm", "attachments": []m{{"type": "share", "media_id": "17900"}}}},
		{file: "attachment_ig_post.json", act: attach("ig_post")},
		{file: "mention_media.json", act: m{"do": "post_mention", "text": "my @moss.and.clay pot"}, unordered: true},
		{file: "attachment_share.json", set: m{"share": "share"}, act: m{"do": "dm", "attachments": []m{{"type": "share", "media_id": "17900"}}}},
		{file: "attachment_unknown_type_future.json", act: m{"do": "dm", "attachments": []m{{"raw": future}}}},
		{file: "message_deleted.json", act: m{"do": "unsend"}},
		{file: "message_edit_num_int.json", act: m{"do": "edit", "text": "y"}},
		{file: "message_edit_num_string.json", set: m{"num_edit": "string"}, act: m{"do": "edit", "text": "y"}},
		{file: "reaction_react.json", act: m{"do": "react"}},
		{file: "reaction_unreact.json", act: m{"do": "unreact"}},
		{file: "message_echo.json", act: m{"do": "phone", "text": "x"}},
		{file: "message_self_test.json", act: m{"do": "phone", "text": "x", "self": true}},
		{file: "message_quick_reply.json", act: m{"do": "quick_reply", "text": "Red", "payload": "P"}},
		{file: "message_referral_ctd_ad.json", act: m{"do": "dm", "text": "x", "referral": ad}},
		{file: "message_referral_product.json", act: m{"do": "dm", "text": "x", "referral": m{"product": m{"id": "P"}}}},
		{file: "message_reply_to_mid.json", act: m{"do": "dm", "text": "x", "reply_to": "unknown"}},
		{file: "message_reply_to_story.json", act: m{"do": "story_reply", "text": "x", "story": "17900"}},
		{file: "message_unsupported.json", act: m{"do": "dm", "unsupported": true}},
		{file: "postback.json", act: m{"do": "ice_breaker", "title": "T", "payload": "P"}},
		{file: "postback_entry_id_is_igsid_as_in_doc.json", set: m{"postback_entry": "person"}, act: m{"do": "postback", "title": "T", "payload": "P"}},
		{file: "postback_without_mid_pre_v11.json", set: m{"postback_mid": false}, act: m{"do": "postback", "title": "T", "payload": "P"}},
		{file: "referral_igme.json", act: m{"do": "referral", "ref": "INFO"}},
		{file: "seen.json", act: m{"do": "read"}},
		{file: "standby_message.json", act: m{"do": "dm", "text": "standby"}},
		{file: "comment_iglogin_flat.json", set: m{"comments": "flat"}, act: m{"do": "comment", "media": "17900", "text": "x"}},
		{file: "comment_iglogin_changes_as_seen_live.json", act: m{"do": "comment", "media": "17900", "text": "x"}},
		{file: "comment_fblogin_comment_id_parent_ad.json", node: "page", set: m{"comment_key": "comment_id"}, act: m{"do": "comment", "media": "17901", "comment": "parent", "text": "x"}},
		{file: "live_comment.json", act: m{"do": "comment", "media": "17902", "text": "x"}},
		{file: "dashboard_test_event_changes_messages.json", act: m{"do": "test_event", "person": ""}},
		{file: "top_level_array_as_in_doc.json", set: m{"delivery": m{"envelope": "array"}}, act: m{"do": "dm", "text": "x"}},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			node := c.node
			if node == "" {
				node = "ig"
			}
			r := newRig(t, node)
			r.happen(c.file, c.set, c.act)
			got := r.hub.all()
			last := got[len(got)-1]
			g, w := shapeOf(t, []byte(last)), shapeOf(t, want)
			if c.unordered {
				g, w = sorted(t, g), sorted(t, w)
			}
			if g != w {
				t.Errorf("delivered %s\nrecorded  %s", g, w)
			}
			if r.hub.bad != 0 {
				t.Error("a bad signature")
			}
		})
	}
}

func sorted(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return asText(v)
}

// happen sets the stage for an act, performs it, and waits for what it causes.
func (r *rig) happen(file string, set, act m) {
	r.t.Helper()
	r.control("POST", "/media", m{"id": "17900", "business": "moss.and.clay", "caption": "c"}, nil)
	r.control("POST", "/media", m{"id": "17901", "business": "moss.and.clay", "product": "AD", "ad_id": "60", "ad_title": "t"}, nil)
	r.control("POST", "/media", m{"id": "17902", "business": "moss.and.clay", "product": "LIVE"}, nil)
	if set != nil {
		r.set(set)
	}
	d := r.act(m{"do": "dm", "person": "ana", "text": "before"})
	switch act["do"] {
	case "edit", "unsend", "react", "unreact":
		act["message"] = d.Message
	case "read":
		r.act(m{"do": "phone", "person": "ana", "text": "read this"})
	}
	if act["comment"] == "parent" {
		act["comment"] = r.act(m{"do": "comment", "person": "ana", "media": act["media"], "text": "top"}).Comment
	}
	if strings.HasPrefix(file, "standby") {
		r.act(m{"do": "pass_thread", "person": "ana", "app": "999"})
	}
	if act["person"] == nil {
		act["person"] = "ana"
	}
	r.settle()
	n := len(r.hub.all())
	r.act(act)
	r.settle()
	if len(r.hub.all()) != n+1 {
		r.t.Fatalf("%d bodies came of it", len(r.hub.all())-n)
	}
}

func TestErrorsAreTheRecordedOnes(t *testing.T) {
	dir := filepath.Join(recorded(t), "errors")
	names := map[string]string{
		"access_disabled_200_2534041": "access_off", "ambiguous_1_1357046_sent_but_error": "ambiguous", "app_rate_4": "app_rate",
		"blocked_551_1545041": "blocked", "buc_80002": "buc", "consent_230": "consent", "deleted_9000001": "deleted",
		"media_fetch_100_2018008": "media_fetch", "not_thread_owner_100_2534037": "thread_owner", "nouser_100_2534014": "no_user",
		"private_reply_100_2534025": "private_reply", "rate_613_2534040": "rate", "retry_2": "retry", "size_100_2018109": "media_size",
		"window_10_2534022": "window",
	}
	for file, name := range names {
		t.Run(file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Status int `json:"http_status"`
				Body   struct{ Error m }
			}
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			r := newRig(t)
			r.control("POST", "/faults", m{"kind": "error", "error": name}, nil)
			status, v := r.call("GET", ig+"/me", nil)
			got := v["error"].(m)
			delete(got, "fbtrace_id")
			delete(want.Body.Error, "fbtrace_id")
			if status != want.Status || asText(got) != asText(want.Body.Error) {
				t.Errorf("HTTP %d %s\nrecorded %d %s", status, asText(got), want.Status, asText(want.Body.Error))
			}
		})
	}
}

// recorded finds the recorded bodies; see the test of the serialiser.
func recorded(t *testing.T) string {
	t.Helper()
	if d := os.Getenv("PARLEY_FIXTURES"); d != "" {
		return filepath.Join(d, "instagram")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		p := filepath.Join(dir, "shared", "fixtures", "instagram")
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skip("RECORDED BODIES NOT FOUND: set PARLEY_FIXTURES to check the simulator against them")
	return ""
}
