package whatsapp

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// body is the body of a send.
type body map[string]any

// sent is the answer to a send.
type sent struct {
	Messages []struct {
		ID meta.Text `json:"id"`
	} `json:"messages"`
}

// opaque begins what comes back with the statuses of a message of ours: its step's key. By
// it a message whose send ended in doubt is known to have arrived.
const opaque = "parley:"

func (s *Session) do(ctx context.Context, st channels.Step) channels.Result {
	switch st.Kind {
	case stepSend, stepTemplate:
		if bad := s.overdue(&st); bad != nil {
			return meta.No(bad)
		}
		b, bad := s.content(ctx, st)
		if bad != nil {
			return meta.No(bad)
		}
		return s.send(ctx, st, b, meta.Outcome)
	case stepReact:
		r := st.Outbound.Reaction
		if r == nil {
			return meta.No(meta.Refused(channels.BadContent, "There is no reaction."))
		}
		emoji := r.Emoji
		if r.Removed {
			emoji = ""
		}
		return s.send(ctx, st, body{"type": "reaction", "reaction": body{"message_id": string(r.Of.Remote), "emoji": emoji}}, meta.Repeatable)
	}
	return meta.No(meta.Refused(channels.BadContent, "WhatsApp cannot do this from here."))
}

// overdue makes a text that was planned while the window was open, and leaves after it, the
// template that it reads like.
func (s *Session) overdue(st *channels.Step) *channels.Failure {
	m := st.Outbound.Message
	switch {
	case st.Kind != stepSend || st.Tag != ruleTemplate:
		return nil
	case m == nil || m.Text != st.Text: // a part of a message is no template
		return meta.Refused(channels.WindowClosed, "The 24 hours were over before all of the message had left. Only approved templates can be sent now.")
	}
	steps, err := s.planTemplate(m)
	var bad *channels.Failure
	if errors.As(err, &bad) {
		return bad
	}
	st.Kind, st.Data = steps[0].Kind, steps[0].Data
	return nil
}

// send makes the call. An answer without an id is no answer.
func (s *Session) send(ctx context.Context, st channels.Step, b body, outcome func(string, error) channels.Result) channels.Result {
	b["messaging_product"], b["recipient_type"] = "whatsapp", "individual"
	b["biz_opaque_callback_data"] = opaque + st.Key
	if to := string(st.Outbound.To); businessScoped.MatchString(to) {
		b["recipient"] = to
	} else {
		b["to"] = to
	}
	if m := st.Outbound.Message; m != nil && m.ReplyTo != nil && m.ReplyTo.Remote != "" && st.N == 0 && st.Kind == stepSend {
		b["context"] = body{"message_id": string(m.ReplyTo.Remote)}
	}
	var got sent
	err := s.graph().Post(ctx, s.messages(), nil, b, &got)
	if err != nil {
		return outcome("", err)
	}
	if len(got.Messages) == 0 || got.Messages[0].ID == "" {
		return outcome("", &meta.Lost{Err: errors.New("the answer names no message")})
	}
	return outcome(string(got.Messages[0].ID), nil)
}

// content is the message that a step sends.
func (s *Session) content(ctx context.Context, st channels.Step) (body, *channels.Failure) {
	switch {
	case st.Kind == stepTemplate:
		return templated(st)
	case len(st.Parts) > 0:
		return s.file(ctx, st)
	case st.Data[dataButtons] != "" && st.Outbound.Message != nil:
		return offered(st.Text, st.Outbound.Message.Buttons), nil
	}
	return body{"type": "text", "text": body{"body": st.Text, "preview_url": true}}, nil
}

// templated is an approved template with its blanks filled in.
func templated(st channels.Step) (body, *channels.Failure) {
	var values, names []string
	if json.Unmarshal([]byte(st.Data[dataValues]), &values) != nil || st.Data[dataNames] != "" && json.Unmarshal([]byte(st.Data[dataNames]), &names) != nil {
		return nil, meta.Refused(channels.BadContent, "The template's text cannot be read. Send the message again.")
	}
	t := body{"name": st.Data[dataTemplate], "language": body{"code": st.Data[dataLanguage]}}
	var parameters []body
	for i, v := range values {
		p := body{"type": "text", "text": v}
		if i < len(names) {
			p["parameter_name"] = names[i]
		}
		parameters = append(parameters, p)
	}
	if parameters != nil {
		t["components"] = []body{{"type": "body", "parameters": parameters}}
	}
	return body{"type": "template", "template": t}, nil
}

// offered is a text with a link below it, with up to three buttons, or with a list.
func offered(text string, bs []timeline.Button) body {
	i := body{"body": body{"text": text}}
	switch {
	case bs[0].Kind == "link":
		i["type"] = "cta_url"
		i["action"] = body{"name": "cta_url", "parameters": body{"display_text": bs[0].Title, "url": bs[0].Value}}
	case len(bs) <= maxButtons:
		var buttons []body
		for _, b := range bs {
			buttons = append(buttons, body{"type": "reply", "reply": body{"id": first(b.Value, b.Title), "title": b.Title}})
		}
		i["type"], i["action"] = "button", body{"buttons": buttons}
	default:
		var rows []body
		for _, b := range bs {
			rows = append(rows, body{"id": first(b.Value, b.Title), "title": b.Title})
		}
		i["type"], i["action"] = "list", body{"button": "⋯", "sections": []body{{"rows": rows}}}
	}
	return body{"type": "interactive", "interactive": i}
}

// fileTypes are the far side's words for the kinds of parts.
var fileTypes = map[timeline.PartKind]string{timeline.PartImage: "image", timeline.PartVideo: "video", timeline.PartAudio: "audio",
	timeline.PartFile: "document", timeline.PartSticker: "sticker"}

// file is a message of one file, with the text as its caption.
func (s *Session) file(ctx context.Context, st channels.Step) (body, *channels.Failure) {
	p := st.Parts[0]
	f := body{}
	if st.Text != "" {
		f["caption"] = st.Text
	}
	if p.Kind == timeline.PartFile && p.Name != "" {
		f["filename"] = p.Name
	}
	if s.set.link || p.File == "" {
		link, bad := meta.Link(ctx, s.host.Files(), p, Channel.Can.Media[string(p.Kind)])
		if bad != nil {
			return nil, bad
		}
		f["link"] = link
	} else {
		id, bad := s.upload(ctx, p)
		if bad != nil {
			return nil, bad
		}
		f["id"] = id
	}
	kind := fileTypes[p.Kind]
	return body{"type": kind, kind: f}, nil
}

// upload hands a file over. Nobody sees it before it is sent: a lost answer is tried again.
func (s *Session) upload(ctx context.Context, p timeline.Part) (string, *channels.Failure) {
	fit, bad := meta.Fitted(ctx, s.host.Files(), p, Channel.Can.Media[string(p.Kind)])
	if bad != nil {
		return "", bad
	}
	f, _, err := s.host.Files().Open(ctx, fit.File)
	if err != nil {
		return "", &channels.Failure{Class: channels.Transient, Advice: "The file could not be read. It is tried again by itself.", Err: err}
	}
	defer func() {
		if err := f.Close(); err != nil {
			s.host.Log().Debug("a file did not close", "error", err)
		}
	}()
	var got struct {
		ID meta.Text `json:"id"`
	}
	err = s.graph().Upload(ctx, s.set.phone+"/media", map[string]string{"messaging_product": "whatsapp", "type": fit.MIME},
		first(p.Name, fit.Name, "file"), fit.MIME, f, fit.Size, &got)
	if err == nil && got.ID == "" {
		err = &meta.Lost{Err: errors.New("the answer names no file")}
	}
	if err != nil {
		return "", meta.Failure(err)
	}
	return string(got.ID), nil
}
