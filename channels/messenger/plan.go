package messenger

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
)

// What a step carries beside its text.
const (
	dataButtons = meta.DataButtons
	dataComment = meta.DataComment
)

// limits are what one message carries.
var limits = meta.Limits{Channel: "Messenger", Media: Channel.Can.Media, Parts: maxParts, Text: maxText, Measure: utf8.RuneCountInString,
	Above: maxTemplate, Replies: maxQuickReplies, Links: maxLinks, Title: maxTitle}

// Plan makes the calls that a message becomes: texts of at most 2000 characters, cut between
// characters as people see them, and each part alone, as the far side has it.
func (s *Session) Plan(o timeline.Outbound) ([]channels.Step, error) {
	switch {
	case o.Moderation != nil:
		return planModeration(&o)
	case o.Reaction != nil:
		return planReaction(&o)
	case o.Edit != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on Messenger cannot be edited from here.")
	case o.Unsend != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on Messenger can be taken back only in its own app.")
	case o.Message == nil:
		return nil, meta.Refused(channels.BadContent, "There is nothing to send.")
	case o.Place == Place:
		return planComment(&o)
	}
	if by := private(&o); by != "" {
		return planPrivate(&o, by)
	}
	return limits.Message(o.Message)
}

// private is the comment whose one private answer a message would be: only where nothing else
// allows it.
func private(o *timeline.Outbound) timeline.RemoteID {
	rule, _, ok := Channel.Can.Allowed(o.Opened, o.Actor.Kind, o.At)
	if !ok || rule.Name != stepPrivate {
		return ""
	}
	return o.Opened[openComment].By
}

// planPrivate is the one message that answers a comment in private.
func planPrivate(o *timeline.Outbound, by timeline.RemoteID) ([]channels.Step, error) {
	m := o.Message
	_, links, bad := limits.Buttons(m.Buttons)
	switch {
	case bad != nil:
		return nil, bad
	case len(m.Parts) > 0:
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment is one text. Send files once the person has written.")
	case strings.TrimSpace(m.Text) == "":
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment needs a text.")
	case len(limits.Pieces(m.Text, links > 0)) > 1:
		return nil, meta.Refused(channels.BadContent, "The private answer to a comment is one message: shorten it to %d characters.", maxText)
	}
	st := channels.Step{Kind: stepPrivate, Text: m.Text, Data: map[string]string{dataComment: string(by)}}
	if len(m.Buttons) > 0 {
		st.Data[dataButtons] = "1"
	}
	return []channels.Step{st}, nil
}

// planComment is a public answer below the top-level comment, or below a visitor's post.
func planComment(o *timeline.Outbound) ([]channels.Step, error) {
	m := o.Message
	root, ok := strings.CutPrefix(string(o.Thread.ID), commentThread)
	switch {
	case !ok || !commentID(root):
		return nil, meta.Refused(channels.Misconfigured, "The thread names no comment.")
	case len(m.Parts) > 0 || len(m.Buttons) > 0:
		return nil, meta.Refused(channels.BadContent, "A public answer is text only. Send files in private.")
	case strings.TrimSpace(m.Text) == "":
		return nil, meta.Refused(channels.BadContent, "A public answer needs a text.")
	case utf8.RuneCountInString(m.Text) > maxComment:
		return nil, meta.Refused(channels.BadContent, "A public answer has at most %d characters. Shorten it.", maxComment)
	}
	return []channels.Step{{Kind: stepComment, Text: m.Text, Data: map[string]string{dataComment: root}}}, nil
}

// commentID reports whether an id has the form of a comment's: the post's and its own number.
func commentID(id string) bool {
	return meta.Digits(strings.ReplaceAll(id, "_", ""))
}

func planModeration(o *timeline.Outbound) ([]channels.Step, error) {
	id := string(o.Moderation.Of.Remote)
	switch {
	case o.Place != Place || !commentID(id):
		return nil, meta.Refused(channels.BadContent, "Only comments below the Page's own posts can be hidden or deleted.")
	case o.Moderation.Action != timeline.ModerateHide && o.Moderation.Action != timeline.ModerateUnhide && o.Moderation.Action != timeline.ModerateDelete:
		return nil, meta.Refused(channels.BadContent, "Comments can be hidden, shown again and deleted.")
	}
	return []channels.Step{{Kind: o.Moderation.Action, Data: map[string]string{dataComment: id}}}, nil
}

// planReaction finds the reaction's name: the far side knows few.
func planReaction(o *timeline.Outbound) ([]channels.Step, error) {
	switch {
	case o.Place == Place:
		return nil, meta.Refused(channels.BadContent, "Comments take no reactions from here.")
	case o.Reaction.Of.Remote == "":
		return nil, meta.Refused(channels.BadContent, "The message is not known to Messenger yet.")
	case !o.Reaction.Removed && meta.ReactionName(emojis, o.Reaction.Emoji) == "":
		return nil, meta.Refused(channels.BadContent, "Messenger takes only these reactions: ❤️ 😆 😮 😢 😠 👍 👎")
	}
	return []channels.Step{{Kind: stepReact}}, nil
}
