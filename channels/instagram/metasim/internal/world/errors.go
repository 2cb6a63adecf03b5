package world

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Error is an answer of the Graph API that is not a result.
type Error struct {
	Status    int    `json:"status"`
	Message   string `json:"message"`
	Type      string `json:"type,omitempty"`
	Code      int    `json:"code"`
	Subcode   int    `json:"subcode,omitempty"`
	Transient bool   `json:"transient,omitempty"`
	Details   string `json:"details,omitempty"` // WhatsApp's error_data.details
	Regain    int    `json:"regain,omitempty"`  // minutes, told in the usage header
}

func (e *Error) Error() string { return fmt.Sprintf("%d/%d %s", e.Code, e.Subcode, e.Message) }

// Body is the error as Graph writes it.
func (e *Error) Body(trace string) wire.Obj {
	kind := e.Type
	if kind == "" {
		kind = "OAuthException"
	}
	o := wire.O("message", e.Message, "type", kind)
	if e.Transient {
		o = o.With("is_transient", true)
	}
	o = o.With("code", e.Code)
	if e.Details != "" {
		o = o.With("error_data", wire.O("messaging_product", "whatsapp", "details", e.Details))
	}
	if e.Subcode != 0 {
		o = o.With("error_subcode", e.Subcode)
	}
	return wire.O("error", o.With("fbtrace_id", trace))
}

const (
	bad       = http.StatusBadRequest
	forbidden = http.StatusForbidden
)

// The errors of the platform, by the names the control API knows them by.
var (
	ErrWindow       = &Error{Status: bad, Code: 10, Subcode: 2534022, Message: "(#10) This message is sent outside of allowed window."}
	ErrBlocked      = &Error{Status: bad, Code: 551, Subcode: 1545041, Message: "(#551) This person isn't available right now."}
	ErrRestricted   = &Error{Status: bad, Code: 10, Subcode: 1893063, Message: "(#10) This account is restricted from sending messages."}
	ErrNoUser       = &Error{Status: bad, Code: 100, Subcode: 2534014, Message: "No matching Instagram user"}
	ErrNoPSID       = &Error{Status: bad, Code: 100, Subcode: 2018001, Message: "(#100) No matching user found"}
	ErrPrivateReply = &Error{Status: bad, Code: 100, Subcode: 2534025, Message: "The comment is invalid for a private reply"}
	ErrThreadOwner  = &Error{Status: bad, Code: 100, Subcode: 2534037, Message: "The action is invalid since it's not the thread owner."}
	ErrUnlinked     = &Error{Status: bad, Code: 100, Subcode: 2534013, Message: "The Page is not linked to an Instagram professional account."}
	ErrTwoFactor    = &Error{Status: bad, Code: 10, Subcode: 2534077, Message: "The Instagram account needs two-factor authentication."}
	ErrMediaFetch   = &Error{Status: bad, Code: 100, Subcode: 2018008, Message: "(#100) Failed to fetch the file from the url"}
	ErrMediaType    = &Error{Status: bad, Code: 100, Subcode: 2018047, Message: "(#100) Upload attachment failure. The type of the file does not match the attachment type."}
	ErrMediaSize    = &Error{Status: bad, Code: 100, Subcode: 2018109, Message: "(#100) Attachment size exceeds allowable limit"}
	ErrMediaSlow    = &Error{Status: bad, Code: 100, Subcode: 2018294, Message: "(#100) The video could not be uploaded in time."}
	ErrAccessOff    = &Error{Status: forbidden, Code: 200, Subcode: 2534041, Message: "The account owner has disabled access to instagram direct messages."}
	ErrConsent      = &Error{Status: bad, Code: 230, Message: "(#230) User consent is required to access user profile"}
	ErrAppRate      = &Error{Status: bad, Code: 4, Message: "(#4) Application request limit reached"}
	ErrRate         = &Error{Status: bad, Code: 613, Subcode: 2534040, Message: "(#613) Calls to this api have exceeded the rate limit."}
	ErrBUC          = &Error{Status: bad, Code: 80002, Message: "(#80002) There have been too many calls to this Instagram account.", Regain: 19}
	ErrTooMany      = &Error{Status: http.StatusTooManyRequests, Code: 4, Message: "(#4) Application request limit reached"}
	ErrAmbiguous    = &Error{Status: http.StatusInternalServerError, Code: 1, Subcode: 1357046, Message: "Received invalid JSON reply."}
	ErrRetry        = &Error{Status: http.StatusInternalServerError, Code: 2, Transient: true, Message: "An unexpected error has occurred. Please retry your request later."}
	ErrDeleted      = &Error{Status: bad, Code: 9000001, Message: "This Message has been deleted by the user or the business."}
	ErrCreator      = &Error{Status: bad, Code: 36103, Message: "(#36103) The account is not eligible for this API."}
	ErrRouting      = &Error{Status: bad, Code: 27, Message: "(#27) Take thread control is not supported when Conversation Routing is not enabled"}
	ErrHashtags     = &Error{Status: bad, Code: 18, Subcode: 2207034, Message: "(#18) The maximum number of hashtags that can be queried within a 7 day period has been reached."}
	ErrWaWindow     = &Error{Status: bad, Code: 131047, Message: "(#131047) Re-engagement message", Details: "Message failed to send because more than 24 hours have passed since the customer last replied to this number."}
	ErrWaPair       = &Error{Status: bad, Code: 131056, Message: "(#131056) (Business Account, Consumer Account) pair rate limit hit", Details: "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time."}
	ErrWaRate       = &Error{Status: http.StatusTooManyRequests, Code: 130429, Message: "(#130429) Rate limit hit", Details: "Message failed to send because there were too many messages sent from this phone number in a short period of time."}
	ErrWaUndeliver  = &Error{Status: bad, Code: 131026, Message: "(#131026) Message undeliverable", Details: "Unable to deliver the message."}
	ErrWaTemplate   = &Error{Status: http.StatusNotFound, Code: 132001, Message: "(#132001) Template name does not exist in the translation", Details: "The template does not exist in the given language."}
	ErrWaMedia      = &Error{Status: bad, Code: 131053, Message: "(#131053) Media upload error", Details: "The media could not be fetched or has a type that is not supported."}
)

// Named maps the names a fault may use to errors.
var Named = map[string]*Error{
	"window": ErrWindow, "blocked": ErrBlocked, "restricted": ErrRestricted, "no_user": ErrNoUser,
	"private_reply": ErrPrivateReply, "thread_owner": ErrThreadOwner, "unlinked": ErrUnlinked,
	"two_factor": ErrTwoFactor, "media_fetch": ErrMediaFetch, "media_type": ErrMediaType,
	"media_size": ErrMediaSize, "media_slow": ErrMediaSlow, "access_off": ErrAccessOff,
	"consent": ErrConsent, "app_rate": ErrAppRate, "rate": ErrRate, "buc": ErrBUC,
	"too_many": ErrTooMany, "ambiguous": ErrAmbiguous, "retry": ErrRetry, "deleted": ErrDeleted,
	"creator": ErrCreator, "hashtags": ErrHashtags, "wa_window": ErrWaWindow, "wa_pair": ErrWaPair,
	"wa_rate": ErrWaRate, "wa_undeliverable": ErrWaUndeliver, "wa_template": ErrWaTemplate,
	"wa_media": ErrWaMedia, "token": tokenError(463, "Error validating access token: Session has expired."),
}

// BadParam is code 100: the parameters are wrong.
func BadParam(format string, args ...any) *Error {
	return &Error{Status: bad, Code: 100, Message: "(#100) " + fmt.Sprintf(format, args...)}
}

// BadMessage is 100/2534015: the message's data are wrong.
func BadMessage(format string, args ...any) *Error {
	return &Error{Status: bad, Code: 100, Subcode: 2534015, Message: "(#100) " + fmt.Sprintf(format, args...)}
}

// Missing is 100/33: no such object, or not for this token.
func Missing(method, id string) *Error {
	return &Error{Status: bad, Type: "GraphMethodException", Code: 100, Subcode: 33,
		Message: fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation.",
			strings.ToLower(method), id)}
}

// Denied is 10 with 403: the token lacks a scope.
func Denied(scope string) *Error {
	return &Error{Status: forbidden, Code: 10, Message: "(#10) Application does not have permission for this action: " + scope}
}

// Forbidden is 200 with 403: the token may not write here.
func Forbidden(scope string) *Error {
	return &Error{Status: forbidden, Code: 200, Message: "(#200) Requires " + scope + " permission to manage the object"}
}

func tokenError(sub int, message string) *Error {
	return &Error{Status: bad, Code: 190, Subcode: sub, Message: message}
}
