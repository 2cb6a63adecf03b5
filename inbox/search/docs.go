package search

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/timeline"
)

// StandingOf is what a conversation says of its documents.
func StandingOf(c *timeline.Conversation) Standing {
	return Standing{Conversation: c.ID, Rev: c.Seq, Person: c.Person, Assignee: c.Assignee, Team: c.Team, State: c.State, Labels: c.Labels}
}

// MessageDoc is what can be found of an event; ok is false for events in which nothing is said. rev
// is the seq of what told how it stands now.
func MessageDoc(c *timeline.Conversation, e *timeline.Event, rev int64) (d Doc, ok bool) {
	d = Doc{Kind: Messages, ID: string(e.ID), Rev: rev, At: e.At, Conversation: e.Conversation, Seq: e.Seq, Account: e.Thread.Account, Direction: e.Direction}
	if leg, there := inbox.LegOf(c, e.Leg); there {
		d.Channel, d.Account = leg.Channel, leg.Thread.Account
	}
	switch {
	case (e.Kind == timeline.KindMessage || e.Kind == timeline.KindNote) && e.Message != nil:
		d.Fields, d.Attachment = said(e.Message)
		d.Gone = e.Message.Unsent != nil
	case e.Kind == timeline.KindPostback && e.Postback != nil:
		d.Fields = fields("text", e.Postback.Title)
	case e.Kind == timeline.KindUnknown && e.Unknown != nil:
		d.Fields = fields("text", e.Unknown.Summary)
	default:
		return d, false
	}
	if d.Gone || len(d.Fields) == 0 {
		d.Gone, d.Fields = true, nil
	}
	return d, true
}

// partSource is a message as it came in, which is offered by itself and is no attachment.
const partSource = timeline.PartKind("source")

// said is the texts of a message. What the sender's program repeated of older ones is left
// out: it is found where it was said.
func said(m *timeline.Message) ([]Field, bool) {
	var names, people []string
	attached := false
	for _, p := range m.Parts {
		if p.Kind == partSource {
			continue
		}
		attached = attached || p.Inline == ""
		names = append(names, p.Name, p.Data["title"], p.Data["name"], p.Data["address"])
	}
	if v := m.Envelope; v != nil {
		for _, a := range slices.Concat([]timeline.Address{v.From}, v.To, v.Cc, v.Bcc) {
			people = append(people, a.Name, a.Address)
		}
	}
	return fields("text", m.Text, "subject", m.Subject, "files", words(names), "addresses", words(people)), attached
}

// words joins texts that are there, each once.
func words(list []string) string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, " · ")
}

// MaxField is how much of a text is looked through, in bytes: what is said stands at the
// beginning, and what is attached as text is not said.
const MaxField = 64 << 10

// fields makes fields of names and texts in turn; empty texts are left out.
func fields(pairs ...string) []Field {
	var out []Field
	for i := 0; i+1 < len(pairs); i += 2 {
		t := pairs[i+1]
		if len(t) > MaxField {
			t = strings.ToValidUTF8(t[:MaxField], "")
		}
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, Field{pairs[i], t})
		}
	}
	return out
}

// hourly is a time as documents that are not of one moment carry it, so that each message does
// not index its conversation again. They are spread over a minute, so that not all of an hour are of one moment.
func hourly(t time.Time, id string) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return t.UTC().Truncate(time.Hour).Add(time.Duration(h.Sum32()%60000) * time.Millisecond)
}

// ConversationDoc is what can be found of a conversation itself.
func ConversationDoc(c *timeline.Conversation) Doc {
	number := ""
	if c.Number > 0 {
		number = "#" + strconv.FormatInt(c.Number, 10)
	}
	return Doc{Kind: Conversations, ID: string(c.ID), Rev: c.Seq, At: hourly(c.LastAt, string(c.ID)), Conversation: c.ID, Person: c.Person,
		Fields: fields("name", c.Name, "subject", c.Subject, "number", number, "opening", c.Opening, "labels", strings.Join(c.Labels, " · "))}
}

// PersonDoc is what can be found of a person. rev is when they were read, in microseconds.
func PersonDoc(p *timeline.Person, known []timeline.Known, rev int64) Doc {
	d := Doc{Kind: People, ID: string(p.ID), Rev: rev, At: hourly(p.LastAt, string(p.ID)), Person: p.ID}
	if p.Erased != nil || p.MergedInto != "" {
		d.Gone = true
		return d
	}
	var addresses, attributes []string
	for _, k := range known {
		addresses = append(addresses, k.Identity.Display)
		if readable(k.Identity.Scheme) {
			addresses = append(addresses, k.Identity.Value)
		}
	}
	slices.Sort(addresses)
	for _, name := range sorted(p.Attributes) {
		attributes = append(attributes, p.Attributes[name])
	}
	names := []string{p.Name}
	if p.Profile.Name != p.Name {
		names = append(names, p.Profile.Name)
	}
	d.Fields = fields("name", words(names), "addresses", words(append(addresses, p.Profile.Username)), "attributes", words(attributes), "note", p.Note)
	return d
}

// readable reports whether an identity's value is something that people know, and not a
// provider's number.
func readable(scheme string) bool { return scheme == "email" || scheme == "tel" }

func sorted(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
