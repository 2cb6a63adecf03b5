package instagram

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// The kinds of step beyond those of the contract.
const (
	stepSend    = "send"
	stepReact   = "react"
	stepPrivate = "private_reply" // the one message that a comment allows
	stepComment = "comment"       // a public answer
	stepMention = "mention"       // a public answer where somebody named us
)

// dataButtons and dataComment are what a step carries beside its text.
const (
	dataButtons = "buttons" // "1": the message's buttons go with this step
	dataComment = "comment" // the comment that a step is about
)

// Plan makes the calls that a message becomes: texts of at most 1000 bytes, cut between
// characters as people see them, and each part alone, as the far side has it.
func (s *Session) Plan(o timeline.Outbound) ([]channels.Step, error) {
	switch {
	case o.Moderation != nil:
		return s.planModeration(&o)
	case o.Reaction != nil:
		return s.planReaction(&o)
	case o.Edit != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on Instagram cannot be edited from here.")
	case o.Unsend != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on Instagram can be taken back only in its own app.")
	case o.Message == nil:
		return nil, meta.Refused(channels.BadContent, "There is nothing to send.")
	case o.Place == Place:
		return s.planComment(&o)
	}
	if by := private(&o); by != "" {
		return s.planPrivate(&o, by)
	}
	return s.planMessage(&o)
}

// private is the comment whose one private answer a message would be: only where nothing else
// allows it.
func private(o *timeline.Outbound) timeline.RemoteID {
	rule, _, ok := Channel.Can.Allowed(o.Opened, o.Actor.Kind, o.At)
	if !ok || !strings.HasPrefix(rule.Name, stepPrivate) {
		return ""
	}
	for _, opened := range rule.Opens {
		if by := o.Opened[opened].By; by != "" {
			return by
		}
	}
	return ""
}

func (s *Session) planMessage(o *timeline.Outbound) ([]channels.Step, error) {
	m := o.Message
	replies, links, bad := buttons(m.Buttons)
	if bad != nil {
		return nil, bad
	}
	if len(m.Parts) > maxParts {
		return nil, meta.Refused(channels.BadMedia, "Instagram carries %d files at once. Send the others in another message.", maxParts)
	}
	text := pieces(m.Text, links > 0)
	switch {
	case len(text) > 0:
	case len(m.Buttons) > 0:
		return nil, meta.Refused(channels.BadContent, "Buttons need a text above them.")
	case len(m.Parts) == 0:
		return nil, meta.Refused(channels.BadContent, "There is nothing to send.")
	}
	steps := make([]channels.Step, 0, len(text)+len(m.Parts))
	for i, t := range text {
		st := channels.Step{Kind: stepSend, Text: t}
		if i == len(text)-1 && replies+links > 0 {
			st.Data = map[string]string{dataButtons: "1"}
		}
		steps = append(steps, st)
	}
	var files []channels.Step
	for _, p := range m.Parts {
		if bad := sendable(p); bad != nil {
			return nil, bad
		}
		files = append(files, channels.Step{Kind: stepSend, Parts: []timeline.Part{p}})
	}
	if replies > 0 { // answers offered disappear with the next message: they come last
		return append(files, steps...), nil
	}
	return append(steps, files...), nil
}

// planPrivate is the one message that answers a comment in private.
func (s *Session) planPrivate(o *timeline.Outbound, by timeline.RemoteID) ([]channels.Step, error) {
	m := o.Message
	_, links, bad := buttons(m.Buttons)
	switch {
	case bad != nil:
		return nil, bad
	case len(m.Parts) > 0:
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment is one text. Send files once the person has written.")
	case strings.TrimSpace(m.Text) == "":
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment needs a text.")
	case len(m.Text) > maxText, links > 0 && utf8.RuneCountInString(m.Text) > maxTemplate:
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment is one message: shorten it to %d bytes.", maxText)
	}
	st := channels.Step{Kind: stepPrivate, Text: m.Text, Data: map[string]string{dataComment: string(by)}}
	if len(m.Buttons) > 0 {
		st.Data[dataButtons] = "1"
	}
	return []channels.Step{st}, nil
}

// planComment is a public answer below the top-level comment, or to where we were named.
func (s *Session) planComment(o *timeline.Outbound) ([]channels.Step, error) {
	m := o.Message
	switch {
	case strings.HasPrefix(o.Thread.Parent, liveParent):
		return nil, meta.Refused(channels.BadContent, "Comments on a live video take no public answer. Answer in private.")
	case len(m.Parts) > 0 || len(m.Buttons) > 0:
		return nil, meta.Refused(channels.BadContent, "A public answer is text only. Send files in private.")
	case strings.TrimSpace(m.Text) == "":
		return nil, meta.Refused(channels.BadContent, "A public answer needs a text.")
	case utf8.RuneCountInString(m.Text) > maxComment:
		return nil, meta.Refused(channels.BadContent, "A public answer has at most %d characters. Shorten it.", maxComment)
	}
	if id, ok := strings.CutPrefix(string(o.Thread.ID), mentionThread); ok {
		return []channels.Step{{Kind: stepMention, Text: m.Text, Data: map[string]string{dataComment: id}}}, nil
	}
	root, ok := strings.CutPrefix(string(o.Thread.ID), commentThread)
	if !ok || !nodeID(root) {
		return nil, meta.Refused(channels.Misconfigured, "The thread names no comment.")
	}
	return []channels.Step{{Kind: stepComment, Text: m.Text, Data: map[string]string{dataComment: root}}}, nil
}

func (s *Session) planModeration(o *timeline.Outbound) ([]channels.Step, error) {
	id := o.Moderation.Of.Remote
	switch {
	case o.Place != Place || !nodeID(string(id)):
		return nil, meta.Refused(channels.BadContent, "Only comments below our own posts can be hidden or deleted.")
	case o.Moderation.Action != timeline.ModerateHide && o.Moderation.Action != timeline.ModerateUnhide && o.Moderation.Action != timeline.ModerateDelete:
		return nil, meta.Refused(channels.BadContent, "Comments can be hidden, shown again and deleted.")
	}
	return []channels.Step{{Kind: o.Moderation.Action, Data: map[string]string{dataComment: string(id)}}}, nil
}

// nodeID reports whether an id can name a node of the API, and nothing else, in a path.
func nodeID(id string) bool {
	return id != "" && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}

// planReaction finds the reaction's name: the far side knows few.
func (s *Session) planReaction(o *timeline.Outbound) ([]channels.Step, error) {
	switch {
	case o.Place == Place:
		return nil, meta.Refused(channels.BadContent, "Comments take no reactions from here.")
	case o.Reaction.Of.Remote == "":
		return nil, meta.Refused(channels.BadContent, "The message is not known to Instagram yet.")
	case !o.Reaction.Removed && reactionName(o.Reaction.Emoji) == "":
		return nil, meta.Refused(channels.BadContent, "Instagram takes only these reactions: ❤️ 😆 😮 😢 😠 👍 👎")
	}
	return []channels.Step{{Kind: stepReact}}, nil
}

// reactionName is how the far side names an emoji; empty: it does not know it.
func reactionName(emoji string) string {
	plain := strings.TrimSuffix(emoji, "\ufe0f")
	for name, e := range emojis {
		if name != "other" && strings.TrimSuffix(e, "\ufe0f") == plain {
			return name
		}
	}
	return ""
}

// buttons counts the answers and the links offered, and says what is wrong with them.
func buttons(bs []timeline.Button) (replies, links int, bad *channels.Failure) {
	for _, b := range bs {
		if b.Kind != "link" {
			replies++
		} else if links++; meta.WebURL(b.Value) == "" {
			return 0, 0, meta.Refused(channels.BadContent, "The button %q needs a web address.", b.Title)
		}
		if n := utf8.RuneCountInString(b.Title); n == 0 || n > maxTitle {
			return 0, 0, meta.Refused(channels.BadContent, "The button %q needs 1 to %d characters.", b.Title, maxTitle)
		}
	}
	switch {
	case replies > maxQuickReplies:
		return 0, 0, meta.Refused(channels.BadContent, "At most %d answers can be offered.", maxQuickReplies)
	case links > maxLinks:
		return 0, 0, meta.Refused(channels.BadContent, "At most %d link buttons fit below a message.", maxLinks)
	case replies > 0 && links > 0:
		return 0, 0, meta.Refused(channels.BadContent, "Offer either answers or links.")
	}
	return replies, links, nil
}

// sendable checks a part as far as can be told without its bytes: what is too large or of
// another type may still be made to fit when it is sent.
func sendable(p timeline.Part) *channels.Failure {
	if _, ok := Channel.Can.Media[string(p.Kind)]; !ok {
		return meta.Refused(channels.BadMedia, "Instagram carries no %s from here.", p.Kind)
	}
	if p.File == "" && meta.WebURL(p.URL) == "" {
		return meta.Refused(channels.BadMedia, "%s is no longer kept and cannot be sent.", cmp.Or(p.Name, string(p.Kind)))
	}
	return nil
}

// pieces cuts a text to what one message carries. With linked the last piece stands above link
// buttons, where less fits.
func pieces(text string, linked bool) []string {
	out := meta.Cut(text, maxText, func(s string) int { return len(s) })
	if n := len(out); linked && n > 0 && utf8.RuneCountInString(out[n-1]) > maxTemplate {
		out = append(out[:n-1], meta.Cut(out[n-1], maxTemplate, utf8.RuneCountInString)...)
	}
	return out
}
