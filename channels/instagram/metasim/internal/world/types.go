package world

import (
	"encoding/json"
	"time"
)

// Surfaces: where people and businesses talk.
const (
	Instagram = "instagram"
	Messenger = "messenger"
	WhatsApp  = "whatsapp"
)

// App is a developer's app: a secret, what it was granted, and where its webhooks go.
type App struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Secret       string           `json:"secret"`
	IGAppID      string           `json:"ig_app_id"`     // the Instagram login's own id; ID where empty
	IGSecret     string           `json:"ig_secret"`     // its secret; Secret where empty
	RequireProof bool             `json:"require_proof"` // appsecret_proof demanded on graph.facebook.com
	NoHumanAgent bool             `json:"no_human_agent"`
	Unpublished  bool             `json:"unpublished"` // not live: no webhooks at all
	Hooks        map[string]*Hook `json:"hooks"`       // by object
}

// Hook is one object's callback of an app. Nothing is delivered before the handshake.
type Hook struct {
	Object      string   `json:"object"`
	URL         string   `json:"callback_url"`
	VerifyToken string   `json:"verify_token"`
	Fields      []string `json:"fields"` // empty is all
	Verified    bool     `json:"verified"`
}

// Sub is one app's subscription to one node of a business.
type Sub struct {
	App    string   `json:"app"`
	Node   string   `json:"node"` // "ig", "page" or "waba"
	Fields []string `json:"fields"`
}

// Business is what a company has: an Instagram professional account, a Page linked to it, a
// WhatsApp number, each by its id, each optional.
type Business struct {
	Key           string      `json:"key"`
	Name          string      `json:"name"`
	Username      string      `json:"username"`
	Biography     string      `json:"biography,omitempty"`
	Avatar        string      `json:"avatar,omitempty"` // asset id
	Followers     int         `json:"followers"`
	IG            string      `json:"ig_id,omitempty"`
	IGUser        string      `json:"ig_user_id,omitempty"` // scoped to the app, as the Instagram login tells it
	Page          string      `json:"page_id,omitempty"`
	Phone         string      `json:"phone_id,omitempty"`
	PhoneNumber   string      `json:"phone_number,omitempty"`
	WABA          string      `json:"waba_id,omitempty"`
	Creator       bool        `json:"creator,omitempty"`      // no webhooks before the first Conversations call
	HistoryRead   bool        `json:"history_read,omitempty"` // that call was made
	Restricted    bool        `json:"restricted,omitempty"`
	MessagesOff   bool        `json:"messages_off,omitempty"` // "Allow access to messages" is off
	Unlinked      bool        `json:"unlinked,omitempty"`     // Page and Instagram account no longer linked
	NeedTwoFactor bool        `json:"need_two_factor,omitempty"`
	Subs          []Sub       `json:"subs"`
	Searches      []TagSearch `json:"searches,omitempty"`
	Templates     []Template  `json:"templates,omitempty"` // WhatsApp
}

// TagSearch is one hashtag an account searched for, at its first time in the rolling week.
type TagSearch struct {
	Tag string    `json:"tag"`
	At  time.Time `json:"at"`
}

// Template is an approved WhatsApp template.
type Template struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	Params   int    `json:"params"`
}

// Person is a customer. Every account knows a person by another id.
type Person struct {
	Key        string            `json:"key"`
	Name       string            `json:"name"`
	Username   string            `json:"username"`
	Avatar     string            `json:"avatar,omitempty"` // asset id
	Followers  int               `json:"followers"`
	Verified   bool              `json:"verified,omitempty"`
	Private    bool              `json:"private,omitempty"`
	Follows    []string          `json:"follows,omitempty"` // business keys
	FollowedBy []string          `json:"followed_by,omitempty"`
	Blocks     []string          `json:"blocks,omitempty"`
	Scoped     map[string]string `json:"scoped"` // surface:business key → id
	WaID       string            `json:"wa_id,omitempty"`
	BSUID      string            `json:"bsuid,omitempty"` // business-scoped id, for those without a number
}

// Thread is one person's talk with one business on one surface.
type Thread struct {
	ID         string    `json:"id"`
	Surface    string    `json:"surface"`
	Business   string    `json:"business"`
	Person     string    `json:"person"`
	LastUserAt time.Time `json:"last_user_at"` // opens the window; zero where the person never wrote
	Updated    time.Time `json:"updated"`
	Owner      string    `json:"owner,omitempty"` // app that holds the thread; empty is nobody
	Consent    bool      `json:"consent"`         // the profile may be read
	Requests   bool      `json:"requests"`        // still in the requests folder
	TypingAt   time.Time `json:"typing_at"`       // business's typing_on
	SeenAt     time.Time `json:"seen_at"`         // business's mark_seen
	Messages   []string  `json:"messages"`        // ids, oldest first
}

// Attachment is a part of a message.
type Attachment struct {
	Type      string          `json:"type"`
	URL       string          `json:"url,omitempty"`
	Asset     string          `json:"asset,omitempty"`
	Title     string          `json:"title,omitempty"`
	MediaID   string          `json:"media_id,omitempty"`
	StickerID string          `json:"sticker_id,omitempty"`
	Raw       json.RawMessage `json:"raw,omitempty"` // a whole attachment to send as it is
}

// Reaction is one side's reaction to a message.
type Reaction struct {
	Name  string `json:"name"`
	Emoji string `json:"emoji"`
}

// Message is one message as the platform has it.
type Message struct {
	ID          string              `json:"id"`
	Thread      string              `json:"thread"`
	FromPerson  bool                `json:"from_person"`
	At          time.Time           `json:"at"`
	Text        string              `json:"text,omitempty"`
	Attachments []Attachment        `json:"attachments,omitempty"`
	ReplyTo     string              `json:"reply_to,omitempty"`
	StoryID     string              `json:"story_id,omitempty"`
	StoryURL    string              `json:"story_url,omitempty"`
	QuickReply  string              `json:"quick_reply,omitempty"`
	Buttons     []Button            `json:"buttons,omitempty"`
	Referral    json.RawMessage     `json:"referral,omitempty"`
	Raw         json.RawMessage     `json:"raw,omitempty"` // what the business sent, as sent
	Unsupported bool                `json:"unsupported,omitempty"`
	Deleted     bool                `json:"deleted,omitempty"`
	Edits       int                 `json:"edits,omitempty"`
	Seen        bool                `json:"seen,omitempty"` // by the other side
	App         string              `json:"app,omitempty"`  // that sent it; empty for the phone app
	CommentID   string              `json:"comment_id,omitempty"`
	Reactions   map[string]Reaction `json:"reactions,omitempty"` // "person" or "business"
}

// Button is something a person may press below a message.
type Button struct {
	Kind    string `json:"kind"` // "quick_reply", "postback" or "url"
	Title   string `json:"title"`
	Payload string `json:"payload"`
}

// Media is a post, reel, story, ad or live broadcast.
type Media struct {
	ID       string    `json:"id"`
	Business string    `json:"business,omitempty"` // owner; empty where a person owns it
	Person   string    `json:"person,omitempty"`
	Caption  string    `json:"caption"`
	Type     string    `json:"type"`    // IMAGE, VIDEO, CAROUSEL_ALBUM
	Product  string    `json:"product"` // FEED, REELS, STORY, AD, LIVE
	Asset    string    `json:"asset,omitempty"`
	At       time.Time `json:"at"`
	Likes    int       `json:"likes"`
	Ended    bool      `json:"ended,omitempty"`    // a live broadcast that is over
	Mentions []string  `json:"mentions,omitempty"` // business keys
	AdID     string    `json:"ad_id,omitempty"`
	AdTitle  string    `json:"ad_title,omitempty"`
}

// Comment is a public comment below a media.
type Comment struct {
	ID       string    `json:"id"`
	Media    string    `json:"media"`
	Parent   string    `json:"parent,omitempty"`
	Person   string    `json:"person,omitempty"`   // author, or
	Business string    `json:"business,omitempty"` // author
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Hidden   bool      `json:"hidden,omitempty"`
	Deleted  bool      `json:"deleted,omitempty"`
	Replied  bool      `json:"replied,omitempty"` // its one private reply is spent
	Likes    int       `json:"likes"`
}

// Asset is a file on the media CDN.
type Asset struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Type    string    `json:"type"`
	Bytes   []byte    `json:"bytes"`
	Expires time.Time `json:"expires"`          // zero never
	Fault   string    `json:"fault,omitempty"`  // see the CDN's switches
	Upload  bool      `json:"upload,omitempty"` // uploaded by a business: may be sent by id
}

// Token is an access token, or a code that becomes one.
type Token struct {
	Value    string    `json:"value"`
	Kind     string    `json:"kind"` // code, ig_short, ig_long, fb_user, fb_long, page, system, app
	App      string    `json:"app"`
	Business string    `json:"business,omitempty"`
	Scopes   []string  `json:"scopes"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"` // zero never
	Revoked  bool      `json:"revoked,omitempty"`
	Redirect string    `json:"redirect,omitempty"` // of a code
	Subcode  int       `json:"subcode,omitempty"`  // why it was revoked
}
