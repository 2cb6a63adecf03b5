package telegram

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// What Plan leaves for Do in Step.Data.
const (
	method  = "method"  // the call of a part
	buttons = "buttons" // they hang from this step
)

// uploads are the fields that the methods take a file by.
var uploads = map[string]string{
	"sendPhoto": "photo", "sendVideo": "video", "sendAnimation": "animation", "sendAudio": "audio",
	"sendVoice": "voice", "sendDocument": "document", "sendSticker": "sticker",
}

// Plan makes calls of a message: each file is one, the first of which bears the
// text if it fits and a caption is shown; buttons hang from the last.
func (s *Session) Plan(o timeline.Outbound) ([]channels.Step, error) {
	step := func(n int, kind string) channels.Step {
		return channels.Step{Key: channels.StepKey(o.ID, n), Kind: kind, N: n, Outbound: o}
	}
	switch {
	case o.Edit != nil:
		return []channels.Step{step(0, "edit")}, nil
	case o.Unsend != nil:
		return []channels.Step{step(0, "unsend")}, nil
	case o.Reaction != nil:
		return []channels.Step{step(0, "react")}, nil
	case o.Message == nil:
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "There is nothing that Telegram could send."}
	}
	m := o.Message
	if err := fits(m.Buttons); err != nil {
		return nil, err
	}
	text := m.Text
	var steps []channels.Step
	for i, p := range m.Parts {
		st := step(i, "send")
		st.Parts = []timeline.Part{p}
		st.Data = map[string]string{method: methodFor(p)}
		if i == 0 && captioned(st.Data[method]) && (channels.TextLimit{Max: maxCaption, Unit: "utf16"}).Fits(text) {
			st.Text, text = text, ""
		}
		steps = append(steps, st)
	}
	for _, piece := range cut(text, maxText) {
		st := step(len(steps), "send")
		st.Text = piece
		steps = append(steps, st)
	}
	if len(steps) == 0 {
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "Write something: the message is empty."}
	}
	if n := len(steps) - 1; len(m.Buttons) > 0 {
		if steps[n].Data == nil {
			steps[n].Data = map[string]string{}
		}
		steps[n].Data[buttons] = "yes"
	}
	return steps, nil
}

// fits checks what a button may carry: #inlinekeyboardbutton.
func fits(bs []timeline.Button) error {
	for _, b := range bs {
		if b.Kind != "link" && len(answer(b)) > maxData {
			return &channels.Failure{Class: channels.BadContent, Advice: "The value of the button “" + b.Title + "” is longer than Telegram's 64 bytes."}
		}
	}
	return nil
}

// answer is what comes back when a button is pressed.
func answer(b timeline.Button) string {
	if b.Value == "" {
		return b.Title
	}
	return b.Value
}

// methodFor chooses the call that shows a part as what it is. What a method does
// not take is a document: #sendvideo MPEG-4, #sendaudio MP3 and M4A, #sendvoice OGG.
func methodFor(p timeline.Part) string {
	switch {
	case p.Kind == timeline.PartLocation:
		return "sendLocation"
	case p.Kind == "contact":
		return "sendContact"
	case p.Kind == timeline.PartSticker:
		return "sendSticker"
	case p.Kind == timeline.PartFile:
		return "sendDocument"
	case p.MIME == "image/gif":
		return "sendAnimation"
	case p.Kind == timeline.PartImage:
		return "sendPhoto"
	case p.MIME == "video/mp4":
		return "sendVideo"
	case p.Kind == timeline.PartAudio && strings.HasSuffix(p.MIME, "/ogg"), p.MIME == "audio/opus":
		return "sendVoice"
	case p.MIME == "audio/mpeg", p.MIME == "audio/mp4", p.MIME == "audio/x-m4a":
		return "sendAudio"
	}
	return "sendDocument"
}

func captioned(method string) bool {
	return uploads[method] != "" && method != "sendSticker"
}

// Do makes the call of one step.
func (s *Session) Do(ctx context.Context, st channels.Step) channels.Result {
	switch st.Kind {
	case "send":
		return s.send(ctx, st)
	case "edit":
		return s.edit(ctx, st)
	case "unsend":
		return s.unsend(ctx, st)
	case "react":
		return s.react(ctx, st)
	}
	return result(nil, &channels.Failure{Class: channels.Permanent, Advice: "Telegram has no such thing as " + st.Kind + "."})
}

// sent is as much of an answer as is needed.
type sent struct {
	ID   int64 `json:"message_id"`
	Date int64 `json:"date"`
	Chat chat  `json:"chat"`
}

// result tells what a call came to.
func result(m *sent, err error) channels.Result {
	if err == nil {
		r := channels.Result{Outcome: channels.Accepted}
		if m != nil && m.ID != 0 {
			r.Remote, r.At = remote(m.Chat.ID, m.ID), time.Unix(m.Date, 0).UTC()
		}
		return r
	}
	var f *channels.Failure
	if errors.As(err, &f) {
		return channels.Result{Outcome: channels.Rejected, Failure: f}
	}
	return channels.Result{Outcome: channels.Unsure, Failure: &channels.Failure{
		Class: channels.Transient, Advice: "Telegram did not answer. Look into the chat before sending it again.", Err: err,
	}}
}

func (s *Session) send(ctx context.Context, st channels.Step) channels.Result {
	p := where(st.Outbound.To)
	m := st.Outbound.Message
	if m == nil {
		return result(nil, &channels.Failure{Class: channels.BadContent, Advice: "The message is empty."})
	}
	if st.N == 0 && m.ReplyTo != nil {
		if chat, id, ok := cutRemote(m.ReplyTo.Remote); ok {
			p["reply_parameters"] = params{"message_id": id, "chat_id": chat, "allow_sending_without_reply": true}
		}
	}
	if st.Data[buttons] != "" {
		p["reply_markup"] = keyboard(m.Buttons)
	}
	var out sent
	if len(st.Parts) == 0 {
		p["text"] = st.Text
		return result(&out, s.call(ctx, "sendMessage", p, &out))
	}
	return result(&out, s.sendPart(ctx, st, p, &out))
}

func (s *Session) sendPart(ctx context.Context, st channels.Step, p params, out *sent) error {
	part := st.Parts[0]
	call := st.Data[method]
	if call == "" {
		call = methodFor(part)
	}
	if st.Text != "" {
		p["caption"] = st.Text
	}
	switch call {
	case "sendLocation":
		lat, err1 := strconv.ParseFloat(part.Data["latitude"], 64)
		lon, err2 := strconv.ParseFloat(part.Data["longitude"], 64)
		if err1 != nil || err2 != nil {
			return &channels.Failure{Class: channels.BadMedia, Advice: "The place has no latitude and longitude."}
		}
		p["latitude"], p["longitude"] = lat, lon
		return s.call(ctx, call, p, out)
	case "sendContact":
		p["phone_number"], p["first_name"] = part.Data["phone"], part.Name
		return s.call(ctx, call, p, out)
	}
	field := uploads[call]
	if part.File == "" {
		if part.Remote == "" && part.URL == "" {
			return &channels.Failure{Class: channels.BadMedia, Advice: "The file is missing. Attach it again."}
		}
		p[field] = part.URL
		if part.Remote != "" { // Telegram's own: it need not travel
			p[field] = string(part.Remote)
		}
		return s.call(ctx, call, p, out)
	}
	if l, ok := private.Limit(part); ok {
		fit, err := s.host.Files().Fit(ctx, part.File, l)
		var f *channels.Failure
		if err != nil && !errors.As(err, &f) {
			return &channels.Failure{Class: channels.Transient, Err: err}
		} else if err != nil {
			return err
		}
		part.File = fit.File
	}
	return s.upload(ctx, call, field, p, part.File, out)
}

// where cuts an address into a chat and the topic of a forum.
func where(h timeline.Handle) params {
	chat, topic, forum := strings.Cut(string(h), ":")
	p := params{"chat_id": chat}
	if forum {
		p["message_thread_id"] = topic
	}
	return p
}

// keyboard puts one button on a line, as most programs show them best.
func keyboard(bs []timeline.Button) params {
	rows := make([][]params, 0, len(bs))
	for _, b := range bs {
		button := params{"text": b.Title, "callback_data": answer(b)}
		if b.Kind == "link" {
			button = params{"text": b.Title, "url": b.Value}
		}
		rows = append(rows, []params{button})
	}
	return params{"inline_keyboard": rows}
}

// aimed is the message that an edit, unsend or reaction is about.
func aimed(r timeline.Ref) (params, error) {
	chat, id, ok := cutRemote(r.Remote)
	if !ok {
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "The message never reached Telegram, so it cannot be changed there."}
	}
	return params{"chat_id": chat, "message_id": id}, nil
}

// edit changes a text. Which of two methods does it depends on whether the
// message has files, which nobody here remembers: the wrong one is refused
// without effect, and only then the other is called.
func (s *Session) edit(ctx context.Context, st channels.Step) channels.Result {
	p, err := aimed(st.Outbound.Edit.Of)
	if err != nil {
		return result(nil, err)
	}
	p["text"] = st.Outbound.Edit.Text
	var out sent
	err = s.call(ctx, "editMessageText", p, &out)
	if said(err, "no text in the message to edit") {
		p["caption"] = p["text"]
		delete(p, "text")
		err = s.call(ctx, "editMessageCaption", p, &out)
	}
	if said(err, "message is not modified") {
		err = nil // it says so already
	}
	return result(nil, err)
}

func (s *Session) unsend(ctx context.Context, st channels.Step) channels.Result {
	p, err := aimed(st.Outbound.Unsend.Of)
	if err == nil {
		err = s.call(ctx, "deleteMessage", p, nil)
	}
	if said(err, "message to delete not found") {
		err = nil // it is gone already
	}
	return result(nil, err)
}

func (s *Session) react(ctx context.Context, st channels.Step) channels.Result {
	r := st.Outbound.Reaction
	p, err := aimed(r.Of)
	if err != nil {
		return result(nil, err)
	}
	list := []params{}
	if !r.Removed && r.Emoji != "" {
		// Telegram's list has no variation selectors: ❤ and not ❤️.
		list = append(list, params{"type": "emoji", "emoji": strings.ReplaceAll(r.Emoji, "\ufe0f", "")})
	}
	p["reaction"] = list
	return result(nil, s.call(ctx, "setMessageReaction", p, nil))
}

// said reports whether the far side refused with these words.
func said(err error, words string) bool {
	var f *channels.Failure
	return errors.As(err, &f) && strings.Contains(strings.ToLower(f.Said), words)
}

// Typing shows that somebody types, for five seconds or until a message comes.
func (s *Session) Typing(ctx context.Context, _ timeline.Thread, to timeline.Handle, on bool) error {
	if !on {
		return nil // it ends by itself
	}
	p := where(to)
	p["action"] = "typing"
	return s.call(ctx, "sendChatAction", p, nil)
}
