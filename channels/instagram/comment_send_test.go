package instagram

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// privately is a message to somebody who only commented.
func privately(text string, opens string) timeline.Outbound {
	o := toMaya(text)
	o.Opened = map[string]timeline.Window{opens: {At: now.Add(-time.Hour), By: top}}
	return o
}

// comment_does_not_open_window: one private answer, by the comment's id, and nothing else.
func TestPrivateReply(t *testing.T) {
	for _, opens := range []string{openComment, openLive} {
		var cs calls
		s := opened(t, answering(&cs, said(`{"message_id":"m"}`)))
		steps := metatest.Planned(t, &Channel, s, privately("hello", opens))
		if r := s.Do(t.Context(), steps[0]); len(steps) != 1 || steps[0].Kind != stepPrivate || r.Outcome != channels.Accepted || r.Remote != "m" {
			t.Fatalf("%+v %+v", steps, r)
		}
		if cs.bodies[0] != `{"recipient":{"comment_id":"`+top+`"},"message":{"text":"hello"}}` {
			t.Error(cs.bodies[0])
		}
	}
	s := opened(t, channeltest.NewHub()).(channels.Planner)
	long, file := privately(strings.Repeat("a", 1001), openComment), privately("x", openComment)
	file.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "F1"}}
	for name, o := range map[string]timeline.Outbound{"too long for one": long, "a file": file, "nothing": privately(" ", openComment)} {
		if _, err := s.Plan(o); failure(t, err).Class != channels.BadContent {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Once the person has written, it is a message like any other.
	o := privately(strings.Repeat("a", 1001), openComment)
	o.Opened[openMessage] = timeline.Window{At: now.Add(-time.Minute)}
	if steps, err := s.Plan(o); err != nil || len(steps) != 2 || steps[0].Kind != stepSend {
		t.Error(steps, err)
	}
}

// private_reply_twice / after_7_days / live_ended.
func TestPrivateReplyWindows(t *testing.T) {
	for name, c := range map[string]struct {
		opens string
		w     timeline.Window
		ok    bool
	}{
		"fresh":               {openComment, timeline.Window{At: now.Add(-time.Minute)}, true},
		"private_reply_twice": {openComment, timeline.Window{At: now.Add(-time.Minute), Used: 1}, false},
		"after_7_days":        {openComment, timeline.Window{At: now.Add(-7 * 24 * time.Hour)}, false},
		"live":                {openLive, timeline.Window{At: now.Add(-time.Minute)}, true},
		"live_ended":          {openLive, timeline.Window{At: now.Add(-5 * time.Hour)}, false},
	} {
		if _, _, ok := Channel.Can.Allowed(map[string]timeline.Window{c.opens: c.w}, timeline.ActorAgent, now); ok != c.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// 100/2534025 on the first try may be the answer to our own message; on a person's retry it is spent.
func TestPrivateReplySpent(t *testing.T) {
	for attempt, want := range map[int]channels.Outcome{1: channels.Unsure, 2: channels.Rejected} {
		var cs calls
		s := opened(t, answering(&cs, failed(400, 100, 2534025)))
		o := privately("x", openComment)
		o.Attempt = attempt
		r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0])
		if r.Outcome != want || r.Failure.Class != channels.QuotaSpent || len(cs.paths) != 1 {
			t.Errorf("attempt %d: %+v", attempt, r)
		}
	}
}

// onComment is a public answer to a comment.
func onComment(text string) timeline.Outbound {
	o := toMaya(text)
	o.Place, o.Thread = Place, timeline.Thread{Account: channeltest.Account, ID: commentThread + top, Parent: "179"}
	o.To, o.Opened = top, nil
	return o
}

func TestPublicReply(t *testing.T) {
	var cs calls
	s := opened(t, answering(&cs, said(`{"id":"99"}`)))
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, onComment("thank you & bye"))[0]); r.Outcome != channels.Accepted || r.Remote != "99" {
		t.Fatalf("%+v", r)
	}
	if cs.paths[0] != "POST /v25.0/"+top+"/replies" || cs.bodies[0] != "message=thank+you+%26+bye" {
		t.Errorf("%q", cs)
	}
	long, file, live := onComment(strings.Repeat("字", 301)), onComment("x"), onComment("x")
	file.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "F1"}}
	live.Thread.Parent = liveParent + "179"
	for name, o := range map[string]timeline.Outbound{"too long": long, "a file": file, "on a live video": live, "nothing": onComment(" ")} {
		if _, err := s.(channels.Planner).Plan(o); failure(t, err).Class != channels.BadContent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMentionReply(t *testing.T) {
	var cs calls
	s := opened(t, answering(&cs, said(`{"id":"99"}`)))
	o := onComment("hi")
	o.Thread.ID = "mention:179:2"
	if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, o)[0]); r.Outcome != channels.Accepted || cs.paths[0] != "POST /v25.0/"+me+"/mentions" || cs.bodies[0] != "comment_id=2&media_id=179&message=hi" {
		t.Errorf("%+v %q", r, cs)
	}
}

func TestModeration(t *testing.T) {
	ask := func(action, place string, of timeline.RemoteID) timeline.Outbound {
		o := onComment("")
		o.Message, o.Place = nil, place
		o.Moderation = &timeline.Moderation{Of: timeline.Ref{Remote: of}, Action: action, State: "asked"}
		return o
	}
	for action, want := range map[string]string{"hide": "POST /v25.0/2?hide=true", "unhide": "POST /v25.0/2?hide=false", "delete": "DELETE /v25.0/2"} {
		var cs calls
		s := opened(t, answering(&cs, said(`{"success":true}`)))
		if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, ask(action, Place, "2"))[0]); r.Outcome != channels.Accepted || cs.paths[0] != want {
			t.Errorf("%s: %+v %q", action, r, cs.paths)
		}
		// What may be done twice is tried again rather than left in doubt.
		s = opened(t, answering(&cs, channeltest.Reply{Err: errors.New("reset")}))
		if r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, ask(action, Place, "2"))[0]); r.Outcome != channels.Rejected || !r.Failure.Class.Again() {
			t.Errorf("%s: %+v", action, r)
		}
	}
	s := opened(t, channeltest.NewHub()).(channels.Planner)
	for name, o := range map[string]timeline.Outbound{"a private message": ask("hide", "", "2"), "a mention": ask("hide", Place, "179:2"), "something else": ask("report", Place, "2"), "not known": ask("hide", Place, "")} {
		if _, err := s.Plan(o); failure(t, err).Class != channels.BadContent {
			t.Errorf("%s: %v", name, err)
		}
	}
}
