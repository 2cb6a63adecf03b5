package instagram

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

const top = "17865799348089039"

// comment_flat, comment_changes, comment_id vs id: the same comment.
func TestCommentForms(t *testing.T) {
	value := `{"ID":"` + top + `","from":{"id":"` + maya + `","username":"alice"},"text":"love it","media":{"id":"17918195224117851","media_product_type":"FEED"}}`
	flat := `{"object":"instagram","entry":[{"id":"` + me + `","time":1520622968,"field":"comments","value":` + value + `}]}`
	var want string
	for name, body := range map[string]string{
		"comment_flat":    strings.Replace(flat, `"ID"`, `"id"`, 1),
		"comment_changes": theChange("comments", strings.Replace(value, `"ID"`, `"id"`, 1)),
		"comment_id":      theChange("comments", strings.Replace(value, `"ID"`, `"comment_id"`, 1)),
	} {
		got := metatest.JSON(t, decoded(t, body))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestComment(t *testing.T) {
	in := decoded(t, theChange("comments", `{"id":"`+top+`","from":{"id":"`+maya+`","username":"alice"},"text":"love it","media":{"id":"179","media_product_type":"REELS"}}`))[0]
	dm := decoded(t, theItem(`"message":{"mid":"m","text":"x"}`))[0]
	switch {
	case in.Place != "comment" || in.Event.Thread.ID != "comment:"+top || in.Event.Thread.Parent != "179" || in.About != "Reel":
		t.Errorf("place: %s", metatest.JSON(t, in))
	case in.Peer.ID() != dm.Peer.ID() || in.Peer.Display != "@alice" || in.Profile.Username != "alice":
		t.Errorf("the commenter is not the person who writes: %s", metatest.JSON(t, in))
	case len(in.Opens) > 0:
		t.Error("comment_does_not_open_window")
	case len(in.Offers) != 1 || in.Offers[0].Thread != dm.Event.Thread || in.Offers[0].To != maya || !slices.Equal(in.Offers[0].Opens, []string{"comment"}) || in.Offers[0].Place != "":
		t.Errorf("offers: %s", metatest.JSON(t, in.Offers))
	case in.Event.Remote != top || in.Event.ID != "acct|comment:"+top || in.Event.Message.ReplyTo.Kind != "post" || in.Event.Message.ReplyTo.Remote != "179":
		t.Errorf("event: %s", metatest.JSON(t, in.Event))
	}
}

func TestCommentReplyJoinsItsThread(t *testing.T) {
	in := decoded(t, theChange("comments", `{"id":"2","parent_id":"`+top+`","from":{"id":"`+maya+`"},"text":"and?","media":{"id":"179","media_product_type":"AD","ad_title":"Shoes"}}`))[0]
	if in.Event.Thread.ID != "comment:"+top || in.Event.Message.ReplyTo.Remote != top || in.Event.Message.ReplyTo.Kind != "comment" || in.About != "Ad: Shoes" || in.To != top {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}

func TestOwnCommentsAreDropped(t *testing.T) {
	for name, from := range map[string]string{"by our id": `{"id":"` + me + `","username":"us"}`, "by our other id": `{"id":"8","self_ig_scoped_id":"555"}`} {
		if in := decoded(t, theChange("comments", `{"id":"2","from":`+from+`,"text":"thanks"}`), "appUserId", "555"); len(in) != 0 {
			t.Errorf("%s: %q", name, briefs(in))
		}
	}
}

func TestLiveComment(t *testing.T) {
	in := decoded(t, theChange("live_comments", `{"id":"2","from":{"id":"`+maya+`"},"text":"hi","media":{"id":"179"}}`))[0]
	if in.About != "Live video" || in.Event.Thread.Parent != "live:179" || !slices.Equal(in.Offers[0].Opens, []string{"live_comment"}) {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}

// Somebody whose name is not told is still shown, and can be answered in public only.
func TestCommentOfNobody(t *testing.T) {
	in := decoded(t, theChange("comments", `{"id":"2","text":"hi"}`))[0]
	if in.Peer.Scheme != "comment" || in.Peer.Value != "2" || len(in.Offers) > 0 || in.Event.Message.Text != "hi" {
		t.Errorf("%s", metatest.JSON(t, in))
	}
	if got := briefs(decoded(t, theChange("comments", `{"text":"hi"}`))); len(got) != 1 || got[0] != "unknown in unreadable comments" {
		t.Errorf("%q", got)
	}
}

// A boosted post tells of one comment twice.
func TestCommentTwice(t *testing.T) {
	value := `{"id":"2","from":{"id":"` + maya + `"},"text":"hi","media":{"id":"179"}}`
	body := `{"object":"instagram","entry":[{"id":"` + me + `","changes":[{"field":"comments","value":` + value + `},{"field":"comments","value":` + value + `}]}]}`
	if in := decoded(t, body); len(in) != 1 {
		t.Error(briefs(in))
	}
}

func TestMention(t *testing.T) {
	in := decoded(t, theChange("mentions", `{"comment_id":"2","media_id":"179"}`))[0]
	if in.Place != "comment" || in.Event.Thread.ID != "mention:179:2" || in.Peer.Scheme != "mention" || in.Peer.Value != "179:2" || in.Peer.Proof != timeline.ProofNone || in.Event.Message == nil {
		t.Errorf("%s", metatest.JSON(t, in))
	}
}
