package meta

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels"
)

// The advice that only the Cloud API's errors need.
const (
	adviseTemplate = "The approved template was not taken. Compare its name, language and text in the settings with what was approved."
	advisePay      = "The platform asks for a payment method. Set one up in the account's business settings, then send again."
	adviseQuiet    = "The platform holds back messages to this person for now. Wait until they write, or try another channel."
	adviseRegister = "The number is not registered or not verified. Register it in the business settings, then send again."
)

// cloud are the codes of the Cloud API, whose numbers no other channel uses; see its page on
// error codes.
var cloud = map[int]word{
	130429: {channels.RateLimited, adviseWait},
	130472: {channels.Unreachable, adviseQuiet}, // the number is part of an experiment
	130497: {channels.Restricted, adviseRestricted},
	131000: {channels.Transient, adviseServer},
	131005: {channels.Misconfigured, adviseSetup},
	131008: {channels.BadContent, adviseContent},
	131009: {channels.BadContent, adviseContent},
	131016: {channels.Transient, adviseServer},
	131021: {channels.BadContent, adviseContent}, // sender and recipient are the same
	131026: {channels.Unreachable, adviseGone},
	131030: {channels.Misconfigured, adviseSetup}, // not on the list of a test number
	131031: {channels.Restricted, adviseRestricted},
	131037: {channels.Misconfigured, adviseRegister},
	131042: {channels.Restricted, advisePay},
	131045: {channels.Misconfigured, adviseRegister},
	131047: {channels.WindowClosed, adviseWindow},
	131048: {channels.RateLimited, adviseWait},
	131049: {channels.Unreachable, adviseQuiet},
	131050: {channels.Unreachable, adviseGone},
	131051: {channels.BadContent, adviseContent},
	131052: {channels.BadMedia, adviseFetch},
	131053: {channels.BadMedia, adviseMedia},
	131055: {channels.BadContent, adviseContent},
	131056: {channels.RateLimited, adviseWait},
	131057: {channels.Transient, adviseServer}, // the account is in maintenance
	132000: {channels.BadContent, adviseTemplate},
	132001: {channels.BadContent, adviseTemplate},
	132005: {channels.BadContent, adviseTemplate},
	132007: {channels.BadContent, adviseTemplate},
	132012: {channels.BadContent, adviseTemplate},
	132015: {channels.BadContent, adviseTemplate},
	132016: {channels.BadContent, adviseTemplate},
	133004: {channels.Transient, adviseServer},
	133010: {channels.Misconfigured, adviseRegister},
	133016: {channels.RateLimited, adviseWait},
	80007:  {channels.RateLimited, adviseWait},
}

// Details are the words that some errors have beside their message. What has another form than
// theirs has none.
type Details string

// UnmarshalJSON takes an object with details; it refuses nothing.
func (d *Details) UnmarshalJSON(b []byte) error {
	var w struct {
		Details string `json:"details"`
	}
	if json.Unmarshal(b, &w) == nil {
		*d = Details(w.Details)
	}
	return nil
}
