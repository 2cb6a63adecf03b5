package meta

import (
	"errors"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// The errors that an adapter acts on itself.
const (
	CodeToken     = 190     // the token is not, or no longer, good
	CodeConsent   = 230     // the person has not agreed to be looked up
	CodeDeleted   = 9000001 // the message was deleted, or is too old to be read
	SubFetch      = 2018008 // the far side could not fetch our file
	SubReplySpent = 2534025 // the comment cannot be answered in private, perhaps because it was
)

// restAtLeast is how long to rest after "too many calls" where the answer does not say.
const restAtLeast = time.Minute

// word is what a code means for us.
type word struct {
	class  channels.Class
	advice string
}

// pair is a code with its subcode; subcode 0 is any other.
type pair struct{ code, sub int }

// The advice for the agent, by what happened.
const (
	adviseWindow     = "The time to answer here is over. Answer on another channel, or wait until the person writes."
	adviseGone       = "The person cannot be reached here: they blocked us, left, or do not take messages. Try another channel."
	adviseNobody     = "There is no such person for this account. Wait until they write."
	adviseRestricted = "The account is restricted by the platform. Look at its messages about the account's quality."
	adviseContent    = "The platform does not take a message like this. Change it and send it again."
	adviseSpent      = "One private answer to a comment is allowed, and only for a time. Wait until the person writes."
	adviseOwner      = "Another app holds this conversation. Ask for it back, or answer there."
	adviseSetup      = "The account is not set up for this. Check its connection, permissions and two-factor sign-in."
	adviseFetch      = "The platform could not fetch the file. Check that the hub's address can be reached from the internet, then send again."
	adviseMedia      = "The platform refused the file. Send a smaller one, or another kind."
	adviseToken      = "The account has to be connected again. What waits is sent then."
	adviseRevoked    = "The owner switched off access to messages. Switch it on in the app's privacy settings, then connect again."
	adviseWait       = "It is sent by itself once the platform takes more."
	adviseConsent    = "The person can be looked up once they have written to us."
	adviseMissing    = "It is gone, or the account may not see it."
	adviseDoubt      = "It may have arrived. Look in the channel's own app, or wait a minute, before sending it again."
	adviseServer     = "The platform has trouble. It is tried again by itself."
	adviseNetwork    = "The platform could not be reached. It is tried again by itself."
)

// words are the codes whose meaning is documented; a subcode decides before its code alone.
var words = map[pair]word{
	{10, 2534022}:        {channels.WindowClosed, adviseWindow},
	{10, 2018278}:        {channels.WindowClosed, adviseWindow},
	{10, 2018108}:        {channels.Unreachable, adviseGone},
	{551, 0}:             {channels.Unreachable, adviseGone},
	{200, 1545041}:       {channels.Unreachable, adviseGone},
	{10, 1893063}:        {channels.Restricted, adviseRestricted},
	{2022, 0}:            {channels.Restricted, adviseRestricted},
	{368, 0}:             {channels.Restricted, adviseRestricted},
	{100, 2534029}:       {channels.Restricted, adviseRestricted},
	{100, 2534014}:       {channels.Unreachable, adviseNobody},
	{100, 2018001}:       {channels.Unreachable, adviseNobody},
	{100, 2534015}:       {channels.BadContent, adviseContent},
	{100, 0}:             {channels.BadContent, adviseContent},
	{100, 33}:            {channels.Permanent, adviseMissing},
	{100, SubReplySpent}: {channels.QuotaSpent, adviseSpent},
	{100, 2534037}:       {channels.NotOwner, adviseOwner},
	{100, 2018300}:       {channels.NotOwner, adviseOwner},
	{100, 2018321}:       {channels.NotOwner, adviseOwner},
	{10, 2018300}:        {channels.NotOwner, adviseOwner},
	{10, 2018321}:        {channels.NotOwner, adviseOwner},
	{2018300, 0}:         {channels.NotOwner, adviseOwner},
	{2018321, 0}:         {channels.NotOwner, adviseOwner},
	{27, 0}:              {channels.NotOwner, adviseOwner},
	{100, 2534013}:       {channels.Misconfigured, adviseSetup},
	{10, 2534077}:        {channels.Misconfigured, adviseSetup},
	{10, 0}:              {channels.Misconfigured, adviseSetup},
	{3, 0}:               {channels.Misconfigured, adviseSetup},
	{100, SubFetch}:      {channels.BadMedia, adviseFetch},
	{100, 2018047}:       {channels.BadMedia, adviseMedia},
	{100, 2018109}:       {channels.BadMedia, adviseMedia},
	{100, 2018294}:       {channels.BadMedia, adviseMedia},
	{CodeToken, 0}:       {channels.AuthExpired, adviseToken},
	{102, 0}:             {channels.AuthExpired, adviseToken},
	{200, 2534041}:       {channels.Revoked, adviseRevoked},
	{CodeConsent, 0}:     {channels.Permanent, adviseConsent},
	{4, 0}:               {channels.RateLimited, adviseWait},
	{17, 0}:              {channels.RateLimited, adviseWait},
	{32, 0}:              {channels.RateLimited, adviseWait},
	{341, 0}:             {channels.RateLimited, adviseWait},
	{613, 0}:             {channels.RateLimited, adviseWait},
	{CodeDeleted, 0}:     {channels.Permanent, adviseMissing},
}

// meaning is the class and the advice of an answer that says no.
func (e *Error) meaning() word {
	if e.Plain {
		return byStatus(e.Status)
	}
	if w, ok := words[pair{e.Code, e.Subcode}]; ok {
		return w
	}
	if w, ok := words[pair{e.Code, 0}]; ok {
		return w
	}
	if w, ok := cloud[e.Code]; ok {
		return w
	}
	switch {
	case e.Status == http.StatusTooManyRequests, e.Code >= 80000 && e.Code < 80100:
		return word{channels.RateLimited, adviseWait}
	case e.Code == 0 && e.Status == http.StatusUnauthorized: // the Cloud API's AuthException
		return word{channels.AuthExpired, adviseToken}
	case e.Code >= 200 && e.Code < 300: // permissions
		return word{channels.Misconfigured, adviseSetup}
	case e.Code == 1, e.Code == 2, e.Transient, e.Status >= http.StatusInternalServerError:
		return word{channels.Transient, adviseServer}
	}
	return word{channels.Permanent, adviseContent}
}

// byStatus is the meaning of an answer that is not the API's own.
func byStatus(status int) word {
	switch {
	case status == http.StatusUnauthorized:
		return word{channels.AuthExpired, adviseToken}
	case status == http.StatusTooManyRequests:
		return word{channels.RateLimited, adviseWait}
	case status == http.StatusRequestTimeout, status >= http.StatusInternalServerError:
		return word{channels.Transient, adviseServer}
	case status == http.StatusNotFound, status == http.StatusForbidden, status == http.StatusMethodNotAllowed:
		return word{channels.Misconfigured, adviseSetup}
	}
	return word{channels.Permanent, adviseContent}
}

// Failure is what an error of a [Client] means: its class, the far side's code and words, and
// what helps. It is nil for nil.
func Failure(err error) *channels.Failure {
	if err == nil {
		return nil
	}
	var no *Error
	if !errors.As(err, &no) {
		return &channels.Failure{Class: channels.Transient, Advice: adviseNetwork, Err: err}
	}
	w := no.meaning()
	f := &channels.Failure{Class: w.class, Code: no.Name(), Said: no.said(), Advice: w.advice, Err: err}
	if f.Class == channels.RateLimited {
		f.After = max(no.After, restAtLeast)
	}
	return f
}

// said are the far side's words, its details behind its message.
func (e *Error) said() string {
	if e.Details == "" {
		return e.Message
	}
	return e.Message + ": " + string(e.Details)
}

// Is reports whether an error is the API's with a code and, unless it is 0, a subcode.
func Is(err error, code, sub int) bool {
	var no *Error
	return errors.As(err, &no) && !no.Plain && no.Code == code && (sub == 0 || no.Subcode == sub)
}

// Outcome is how a call ended that must not be repeated when it may have been acted upon.
// remote is the far side's id where it went well.
//
//   - the API said no: rejected, except where it says that it failed itself (codes 1 and 2,
//     server errors, among them 1/1357046, which is answered although the message was sent);
//   - nothing left us: rejected, and tried again by itself;
//   - anything else: unsure.
func Outcome(remote string, err error) channels.Result {
	return outcome(remote, err, false)
}

// Repeatable is how a call ended that may be made twice with no other effect than once, such
// as hiding a comment: what is in doubt is rejected and tried again.
func Repeatable(remote string, err error) channels.Result {
	return outcome(remote, err, true)
}

func outcome(remote string, err error, again bool) channels.Result {
	if err == nil {
		return result(channels.Accepted, remote, nil)
	}
	f := Failure(err)
	var no *Error
	var un *Unreached
	doubt := !errors.As(err, &no) && !errors.As(err, &un) || no != nil && f.Class == channels.Transient
	if doubt && !again {
		f.Advice = adviseDoubt
		return result(channels.Unsure, "", f)
	}
	return result(channels.Rejected, "", f)
}

func result(o channels.Outcome, remote string, f *channels.Failure) channels.Result {
	return channels.Result{Outcome: o, Remote: timeline.RemoteID(remote), Failure: f}
}
