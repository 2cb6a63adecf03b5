package email

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
)

func TestFetchAnswerAndThread(t *testing.T) {
	b := newBench(t, nil)
	b.put(mailOf("My tent leaks.", "To: support@acme.example", "Subject: Tent", "Message-ID: <a1@hikes.example>"))
	b.run()
	b.until("the mail is in", func() bool { return len(b.messages()) == 1 })
	in := b.messages()[0]
	if in.Event.Message.Text != "My tent leaks." || in.Peer.Value != "maya@hikes.example" || in.About != "Tent" {
		t.Fatalf("it reads %+v from %+v about %q", in.Event.Message, in.Peer, in.About)
	}
	r, sent := b.send(b.reply(in.Event.Thread.ID, "maya@hikes.example", "We send a new one."))
	if r.Outcome != channels.Accepted {
		t.Fatalf("the answer ended %v, %v", r.Outcome, r.Failure)
	}
	for _, want := range []string{"In-Reply-To: <a1@hikes.example>", "Subject: Re: Tent", "To: <maya@hikes.example>", "We send a new one."} {
		if !strings.Contains(strings.ReplaceAll(sent.Raw, `"Maya" `, ""), want) {
			t.Errorf("%q is not in\n%s", want, sent.Raw)
		}
	}
	b.put(mailOf("Thanks!", "To: support@acme.example", "Subject: Re: Tent", "Message-ID: <a2@hikes.example>", "In-Reply-To: <"+string(r.Remote)+">"))
	b.until("the answer is in", func() bool { return len(b.messages()) == 2 })
	if got := b.messages()[1].Event.Thread.ID; got != in.Event.Thread.ID {
		t.Errorf("the answer is on thread %s, not %s", got, in.Event.Thread.ID)
	}
}
