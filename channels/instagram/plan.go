package instagram

import (
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// The kinds of step beyond those of the contract.
const (
	stepSend    = meta.StepSend
	stepReact   = "react"
	stepPrivate = "private_reply" // the one message that a comment allows
	stepComment = "comment"       // a public answer
	stepMention = "mention"       // a public answer where somebody named us
)

// dataButtons and dataComment are what a step carries beside its text.
const (
	dataButtons = meta.DataButtons
	dataComment = meta.DataComment
)

// limits are what one message carries.
var limits = meta.Limits{Channel: "Instagram", Media: Channel.Can.Media, Parts: maxParts, Text: maxText, Measure: func(s string) int { return len(s) },
	Above: maxTemplate, Replies: maxQuickReplies, Links: maxLinks, Title: maxTitle}

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
	return limits.Message(o.Message)
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

// planPrivate is the one message that answers a comment in private.
func (s *Session) planPrivate(o *timeline.Outbound, by timeline.RemoteID) ([]channels.Step, error) {
	m := o.Message
	_, links, bad := limits.Buttons(m.Buttons)
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
	case !o.Reaction.Removed && meta.ReactionName(emojis, o.Reaction.Emoji) == "":
		return nil, meta.Refused(channels.BadContent, "Instagram takes only these reactions: ❤️ 😆 😮 😢 😠 👍 👎")
	}
	return []channels.Step{{Kind: stepReact}}, nil
}
