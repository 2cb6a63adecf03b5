package world

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
)

// Settings are the switches of the platform. Where the documentation and live traffic
// contradict each other, or nobody knows, a switch puts the simulator in either position, and
// an adapter has to pass in both.
type Settings struct {
	// Shapes of webhooks.
	Comments      string `json:"comments"`       // Instagram login: "changes" (as seen live), "flat" (as documented), "both"
	CommentKey    string `json:"comment_key"`    // Facebook login: "id" or "comment_id"
	NumEdit       string `json:"num_edit"`       // "int" or "string"
	Timestamps    string `json:"timestamps"`     // "ms", "s" or "string"
	PostbackMID   bool   `json:"postback_mid"`   // false as before v11
	PostbackEntry string `json:"postback_entry"` // entry.id: "account", or "person" as in the documentation
	Share         string `json:"share"`          // a shared post arrives as "share", "ig_post" or "both"
	Sticker       string `json:"sticker"`        // a sticker arrives as "image", "sticker" or "both"
	OwnComments   bool   `json:"own_comments"`   // the account's own comments are notified too
	Echo          string `json:"echo"`           // "after" the answer, "before" it, or "off"
	EchoDelayMS   int    `json:"echo_delay_ms"`  // simulated
	Seen          bool   `json:"seen"`           // people's reading is notified
	Routing       bool   `json:"routing"`        // Conversation Routing is on; without it no thread is taken
	Standby       bool   `json:"standby"`        // threads of another app arrive as standby

	// Delivery.
	Delivery hook.Options `json:"delivery"`

	// Logging in and permission.
	TokenAnswer string `json:"token_answer"` // code exchange: "data" or "flat"
	MinVersion  int    `json:"min_version"`  // v19.0 is 19
	MaxVersion  int    `json:"max_version"`
	NeedVersion bool   `json:"need_version"` // refuse calls without a version

	// Limits.
	TextLimit      string `json:"text_limit"`        // "bytes" or "chars", 1000 of them
	WindowHours    int    `json:"window_hours"`      // 24
	HumanHours     int    `json:"human_hours"`       // 168
	ReplyHours     int    `json:"reply_hours"`       // private reply, 168
	History        int    `json:"history"`           // newest messages readable
	RequestsDays   int    `json:"requests_days"`     // request folder threads hidden after
	AssetMinutes   int    `json:"asset_minutes"`     // life of CDN addresses
	StrictHTTPS    bool   `json:"strict_https"`      // media addresses must be https
	FetchTimeoutMS int    `json:"fetch_timeout_ms"`  // real milliseconds, 75 000
	SendPerSecond  int    `json:"send_per_second"`   // 300
	MediaPerSecond int    `json:"media_per_second"`  // audio and video, 10
	ReadPerSecond  int    `json:"read_per_second"`   // conversations, 2
	RepliesPerHour int    `json:"replies_per_hour"`  // private replies, 750
	CallsPerHour   int    `json:"calls_per_hour"`    // the rest; the base of the usage header
	RegainMinutes  int    `json:"regain_minutes"`    // told when throttled
	TagsPerWeek    int    `json:"tags_per_week"`     // unique hashtags, 30
	PairPerSeconds int    `json:"wa_pair_seconds"`   // WhatsApp: seconds between messages to one person; 0 is no limit
	WaStatuses     string `json:"wa_statuses"`       // "all", "sent" or "none"
	WaShuffle      bool   `json:"wa_status_shuffle"` // statuses out of order
}

// Defaults are the settings of a fresh world.
func Defaults() Settings {
	return Settings{
		Comments: "changes", CommentKey: "id", NumEdit: "int", Timestamps: "ms", PostbackMID: true,
		PostbackEntry: "account", Share: "ig_post", Sticker: "image", OwnComments: true, Echo: "after",
		Seen: true, Standby: true, Routing: true, TokenAnswer: "data", MinVersion: 19, MaxVersion: 26,
		TextLimit: "bytes", WindowHours: 24, HumanHours: 168, ReplyHours: 168, History: 20,
		RequestsDays: 30, AssetMinutes: 7 * 24 * 60, FetchTimeoutMS: 75_000, SendPerSecond: 300,
		MediaPerSecond: 10, ReadPerSecond: 2, RepliesPerHour: 750, CallsPerHour: 5000,
		RegainMinutes: 19, TagsPerWeek: 30, WaStatuses: "all",
	}
}

// Merge overlays a JSON object. Unknown keys and values outside a switch's positions are
// refused, so that a misspelt switch cannot pass for a tested one.
func (s Settings) Merge(raw []byte) (Settings, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("settings: %w", err)
	}
	return s, s.check()
}

func (s Settings) check() error {
	for _, c := range []struct {
		key, value string
		allowed    []string
	}{
		{"comments", s.Comments, []string{"flat", "changes", "both"}},
		{"comment_key", s.CommentKey, []string{"id", "comment_id"}},
		{"num_edit", s.NumEdit, []string{"int", "string"}},
		{"timestamps", s.Timestamps, []string{"ms", "s", "string"}},
		{"postback_entry", s.PostbackEntry, []string{"account", "person"}},
		{"share", s.Share, []string{"share", "ig_post", "both"}},
		{"sticker", s.Sticker, []string{"image", "sticker", "both"}},
		{"echo", s.Echo, []string{"after", "before", "off"}},
		{"token_answer", s.TokenAnswer, []string{"flat", "data"}},
		{"text_limit", s.TextLimit, []string{"bytes", "chars"}},
		{"wa_statuses", s.WaStatuses, []string{"all", "sent", "none"}},
		{"delivery.signature", s.Delivery.Signature, []string{"", "sha256", "sha1", "both", "wrong", "none"}},
		{"delivery.envelope", s.Delivery.Envelope, []string{"", "object", "array"}},
	} {
		if !has(c.allowed, c.value) {
			return fmt.Errorf("settings: %s is %q, may be %q", c.key, c.value, c.allowed)
		}
	}
	if s.Delivery.Batch < 0 || s.Delivery.Batch > hook.MaxBatch {
		return fmt.Errorf("settings: delivery.batch is %d, may be 0 to %d", s.Delivery.Batch, hook.MaxBatch)
	}
	return nil
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
