package continuity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// The pace of mails of one leg.
const (
	DefaultAfter = 10 * time.Minute // how long an answer may stay unread
	Gap          = 15 * time.Minute // between two mails
	Most         = 10               // messages in one mail
	presentAgain = time.Minute      // until the next look at somebody who is there
)

// Facts is what a decision needs.
type Facts struct {
	Now      time.Time
	Leg      timeline.Leg
	After    time.Duration     // how long an answer may stay unread
	Messages []*timeline.Event // on the leg, in the order of seq; those after Mailed
	Mailed   int64             // seq of the last message that a mail held
	MailedAt time.Time         // of the last mail; zero: there was none
	Present  bool              // the person has the chat open
	Address  string            // the person's e-mail address; empty: none is known
}

// Plan is what to do: send these messages, look again at a time, or, with neither, nothing
// until something happens.
type Plan struct {
	Send []*timeline.Event
	Look time.Time
}

// Decide says what is to be mailed now, or when to look again. What the person has read, or
// answered, is never mailed, and nothing is mailed twice.
func Decide(f Facts) Plan {
	unread := Unread(&f)
	if len(unread) == 0 || f.Address == "" || f.Leg.Closed != "" {
		return Plan{}
	}
	due := unread[0].At.Add(f.After)
	if next := f.MailedAt.Add(Gap); !f.MailedAt.IsZero() && next.After(due) {
		due = next
	}
	switch {
	case f.Now.Before(due):
		return Plan{Look: due}
	case f.Present:
		return Plan{Look: f.Now.Add(presentAgain)}
	}
	return Plan{Send: unread[:min(len(unread), Most)]}
}

// Unread lists the messages of ours that the person has not seen as far as anybody knows, and
// that no mail held.
func Unread(f *Facts) (out []*timeline.Event) {
	for _, m := range f.Messages {
		if m.Seq > f.Mailed && Counts(m) && m.Leg == f.Leg.ID && !seen(&f.Leg, m) {
			out = append(out, m)
		}
	}
	return out
}

// Counts reports whether a message is one that somebody of us wrote and that has left.
func Counts(m *timeline.Event) bool {
	if m.Kind != timeline.KindMessage || m.Direction != timeline.Out || m.Message == nil || m.Message.Unsent != nil || m.Message.Automated {
		return false
	}
	if m.Actor.Kind != timeline.ActorAgent && m.Actor.Kind != timeline.ActorAssistant {
		return false
	}
	d := m.Message.Delivery
	return d != nil && (d.State == timeline.Sent || d.State == timeline.Delivered)
}

// seen reports whether the person read a message, or wrote after it.
func seen(l *timeline.Leg, m *timeline.Event) bool {
	return m.Seq <= l.ReadSeq || (l.Seen != nil && !m.At.After(*l.Seen)) || (l.LastIn != nil && !m.At.After(*l.LastIn))
}

// words are what a mail says beside the transcript, by language.
var words = map[string]struct{ intro, outro, subject, attached, of string }{
	"en": {"You were away when we answered:", "Answer this mail to go on with the conversation.", "We answered you in the chat", "attached: %s", "%s, %s:"},
	"zh": {"您离开后我们回复了您：", "直接回复此邮件即可继续对话。", "我们在聊天中回复了您", "附件：%s", "%s，%s："},
}

// Compose writes the mail: a readable transcript in the person's language and, where that is
// known, their time.
func Compose(messages []*timeline.Event, p timeline.Profile) (subject, text string) {
	lang, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(p.Locale, "_", "-")), "-")
	w, ok := words[lang]
	if !ok {
		w = words["en"]
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil || p.TimeZone == "" {
		zone = time.UTC
	}
	var b strings.Builder
	b.WriteString(w.intro + "\n")
	for _, m := range messages {
		fmt.Fprintf(&b, "\n"+w.of+"\n", m.Actor.Name, m.At.In(zone).Format("2006-01-02 15:04 MST"))
		if t := strings.TrimSpace(m.Message.Text); t != "" {
			b.WriteString(t + "\n")
		}
		for _, part := range m.Message.Parts {
			name := part.Name
			if name == "" {
				name = string(part.Kind)
			}
			fmt.Fprintf(&b, "("+w.attached+")\n", name)
		}
	}
	b.WriteString("\n" + w.outro + "\n")
	return w.subject, b.String()
}

// files are what the messages carried, for the mail to carry too.
func files(messages []*timeline.Event) (out []timeline.Part) {
	for _, m := range messages {
		for _, p := range m.Message.Parts {
			if p.File != "" && !slices.ContainsFunc(out, func(x timeline.Part) bool { return x.File == p.File }) {
				out = append(out, p)
			}
		}
	}
	return out
}
