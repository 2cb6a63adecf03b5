package mail

import (
	"encoding/json"
	"strings"
)

// sesEvent is a notification of Amazon SES about a mail sent through it.
type sesEvent struct {
	Type   string `json:"notificationType"`
	Event  string `json:"eventType"`
	Bounce struct {
		Type       string         `json:"bounceType"`
		SubType    string         `json:"bounceSubType"`
		Recipients []sesRecipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Kind       string         `json:"complaintFeedbackType"`
		Recipients []sesRecipient `json:"complainedRecipients"`
	} `json:"complaint"`
	Mail struct {
		MessageID   string   `json:"messageId"`
		Destination []string `json:"destination"`
		Common      struct {
			MessageID string `json:"messageId"`
		} `json:"commonHeaders"`
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
	// Inner is the event where SNS wraps it.
	Inner string `json:"Message"`
}

type sesRecipient struct {
	Address    string `json:"emailAddress"`
	Action     string `json:"action"`
	Status     string `json:"status"`
	Diagnostic string `json:"diagnosticCode"`
}

// notification reads the JSON Amazon SES sends by mail instead of a report; nil if there is none.
func (p *parser) notification() *Bounce {
	m := p.m
	text := strings.TrimSpace(m.Text)
	if !strings.HasPrefix(text, "{") || !fromAmazon(m.From.Address) {
		return nil
	}
	e, ok := readSES(text)
	if ok && e.Type == "" && e.Event == "" && e.Inner != "" {
		e, ok = readSES(e.Inner)
	}
	if !ok {
		return nil
	}
	b := &Bounce{OriginalMessageID: e.messageID(), OriginalRecipients: e.Mail.Destination}
	switch strings.ToLower(e.Type + e.Event) {
	case "bounce":
		b.Evidence = []string{"a notification of Amazon SES"}
		for _, r := range e.Bounce.Recipients {
			b.Recipients = append(b.Recipients, e.bounced(r))
		}
	case "complaint":
		b.Evidence = []string{"a notification of Amazon SES"}
		b.Complaint = true
		for _, r := range e.Complaint.Recipients {
			b.Recipients = append(b.Recipients, BounceRecipient{Address: normalise(r.Address, ""), Action: "complaint", Diagnostic: e.Complaint.Kind, Class: BounceOther})
		}
	default:
		return nil
	}
	return b
}

func fromAmazon(addr string) bool {
	_, domain, _ := strings.Cut(addr, "@")
	for _, d := range []string{"amazonaws.com", "amazonses.com"} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

// readSES reads the first value; SNS writes a footer behind it.
func readSES(s string) (e sesEvent, ok bool) {
	err := json.NewDecoder(strings.NewReader(s)).Decode(&e)
	return e, err == nil
}

func (e sesEvent) messageID() string {
	for _, h := range e.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			return trimID(h.Value)
		}
	}
	if e.Mail.Common.MessageID != "" {
		return trimID(e.Mail.Common.MessageID)
	}
	return trimID(e.Mail.MessageID)
}

// bounced classifies a recipient. SES tells more by its own kinds than by the status.
func (e sesEvent) bounced(r sesRecipient) BounceRecipient {
	out := BounceRecipient{Address: normalise(r.Address, ""), Action: strings.ToLower(r.Action), Status: statusIn(r.Status),
		Diagnostic: oneLine(typed(r.Diagnostic))}
	switch {
	case strings.EqualFold(e.Bounce.SubType, "MailboxFull"):
		out.Class = BounceFull
	case strings.EqualFold(e.Bounce.SubType, "ContentRejected"), strings.EqualFold(e.Bounce.SubType, "AttachmentRejected"):
		out.Class = BouncePolicy
	case strings.EqualFold(e.Bounce.SubType, "NoEmail"), strings.Contains(e.Bounce.SubType, "Suppress"),
		strings.EqualFold(e.Bounce.Type, "Permanent") && out.Status == "":
		out.Class = BounceDead
	}
	return out
}
