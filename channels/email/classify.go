package email

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
)

// stage is where in the dialogue a server said no.
type stage int

const (
	stageGreeting stage = iota
	stageSender
	stageRecipient
	stageData
)

// classify is what a server's no means (RFC 5321 §4.2.1, RFC 3463, and the words of the large
// providers). Codes of 400 and more may pass if tried again, those of 500 and more will not.
func classify(e *smtp.SMTPError, at stage, to string) *channels.Failure {
	f := &channels.Failure{Class: channels.Permanent, Code: codeOf(e), Said: strings.TrimSpace(e.Message), Advice: "The mail server refuses this mail. Its words say why.", Err: fmt.Errorf("email: %w", e)}
	if limited(e, f) || special(e, f) {
		return f
	}
	if e.Temporary() {
		f.Class, f.Advice = channels.Transient, "The mail server cannot take it right now. It is tried again by itself."
		return f
	}
	switch at {
	case stageGreeting:
		f.Class, f.Advice = channels.Restricted, "The mail server does not talk with us. Ask who runs it whether our address is blocked."
	case stageSender:
		f.Class, f.Advice = channels.Misconfigured, "The mail server does not let the user send as this address. Correct the address or the user name of the inbox."
	case stageRecipient:
		f.Class, f.Advice = channels.Unreachable, fmt.Sprintf("The mail server does not take mail for %s. Correct the address; nothing was sent to anybody.", to)
	case stageData:
		dataRefused(e, f)
	}
	return f
}

// dataRefused is a no to the mail itself.
func dataRefused(e *smtp.SMTPError, f *channels.Failure) {
	switch e.EnhancedCode[1] { // the subject (RFC 3463 §4)
	case 1:
		f.Class, f.Advice = channels.Unreachable, "An address does not exist. Correct it, or answer on another channel."
	case 2:
		f.Class, f.Advice = channels.Unreachable, "The person's mailbox takes no mail. Answer on another channel."
	case 7:
		f.Class, f.Advice = channels.Restricted, "The mail was refused as unwanted. Change its text, or have SPF, DKIM and DMARC of the domain checked."
	}
}

// limited finds limits on how much may be sent.
func limited(e *smtp.SMTPError, f *channels.Failure) bool {
	said := strings.ToLower(e.Message)
	c := e.EnhancedCode
	switch {
	case c == smtp.EnhancedCode{5, 4, 5}, strings.Contains(said, "daily") && strings.Contains(said, "limit"), strings.Contains(said, "quota exceeded") && strings.Contains(said, "sending"):
		f.Class, f.Advice = channels.QuotaSpent, "The provider lets this inbox send no more mail today. Send it again tomorrow."
	case e.Code == 432, c == smtp.EnhancedCode{4, 3, 2}:
		f.Class, f.After, f.Advice = channels.RateLimited, time.Minute, "The provider allows fewer connections. Sending goes on by itself."
	case c == smtp.EnhancedCode{4, 7, 28}, e.Temporary() && (strings.Contains(said, "rate limit") || strings.Contains(said, "too many") || strings.Contains(said, "too fast")):
		f.Class, f.After, f.Advice = channels.RateLimited, 10*time.Minute, "The provider takes no more mail for now. Sending goes on by itself."
	default:
		return false
	}
	return true
}

// special finds what has its own remedy, whatever the stage.
func special(e *smtp.SMTPError, f *channels.Failure) bool {
	said := strings.ToLower(e.Message)
	switch c := e.EnhancedCode; {
	case c == smtp.EnhancedCode{5, 7, 30}, strings.Contains(said, "basic authentication is not supported"), strings.Contains(said, "basic authentication is disabled"):
		f.Class, f.Advice = channels.AuthExpired, "Microsoft no longer takes passwords for sending. Connect this inbox by signing in with Microsoft."
	case e.Code == 530 || e.Code == 538:
		f.Class, f.Advice = channels.AuthExpired, "The mail server wants a sign-in or encryption before it takes mail. Correct the inbox's settings."
	case e.Code == 552 && c[1] != 2, c == smtp.EnhancedCode{5, 3, 4}:
		f.Class, f.Advice = channels.BadMedia, "The mail is larger than the server takes. Send fewer or smaller files."
	case c == smtp.EnhancedCode{5, 6, 7}:
		f.Class, f.Advice = channels.BadContent, "The mail server does not take addresses with letters beyond ASCII. Ask for another address."
	default:
		return false
	}
	return true
}

// signInFailure is a no to user and password, or to the token.
func signInFailure(err error, token bool) error {
	var no *smtp.SMTPError
	if !errors.As(err, &no) {
		return unreached(err)
	}
	f := &channels.Failure{Class: channels.AuthExpired, Code: codeOf(no), Said: strings.TrimSpace(no.Message), Err: fmt.Errorf("email: signing in to send: %w", no),
		Advice: "The mail server refused user name and password. Correct them; many providers want an app password."}
	if token {
		f.Advice = "The mail server refused the sign-in. Sign in to the inbox again."
	}
	if special(no, f) {
		return f
	}
	if no.Temporary() {
		f.Class, f.Advice = channels.Transient, "The mail server cannot check the sign-in right now. It is tried again by itself."
	}
	return f
}

func codeOf(e *smtp.SMTPError) string {
	if c := e.EnhancedCode; c != (smtp.EnhancedCode{}) && c[0] > 0 {
		return fmt.Sprintf("%d %d.%d.%d", e.Code, c[0], c[1], c[2])
	}
	return fmt.Sprint(e.Code)
}
