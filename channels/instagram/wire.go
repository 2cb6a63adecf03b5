package instagram

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels/internal/meta"
)

// item is one thing of a messaging or standby list, as it comes. One of the pointers is set;
// more than one where a referral comes with a message.
type item struct {
	Sender    party      `json:"sender"`
	Recipient party      `json:"recipient"`
	Timestamp meta.Stamp `json:"timestamp"`

	Message  *message  `json:"message"`
	Edit     *edit     `json:"message_edit"`
	Reaction *reaction `json:"reaction"`
	Read     *seen     `json:"read"`
	Postback *postback `json:"postback"`
	Referral *referral `json:"referral"`
	OptIn    *optIn    `json:"optin"`
	Pass     *handover `json:"pass_thread_control"`
	Take     *handover `json:"take_thread_control"`
	Request  *handover `json:"request_thread_control"`
	Release  *handover `json:"release_thread_control"`
}

type party struct {
	ID meta.Text `json:"id"`
}

type message struct {
	MID         meta.Text    `json:"mid"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
	Echo        bool         `json:"is_echo"`
	Self        bool         `json:"is_self"`
	Deleted     bool         `json:"is_deleted"`
	Unsupported bool         `json:"is_unsupported"`
	App         meta.Text    `json:"app_id"` // of an echo: which app sent it
	ReplyTo     *replyTo     `json:"reply_to"`
	QuickReply  *struct {
		Payload string `json:"payload"`
	} `json:"quick_reply"`
	Referral *referral `json:"referral"`
}

type replyTo struct {
	MID   meta.Text `json:"mid"`
	Story *struct {
		ID  meta.Text `json:"id"`
		URL string    `json:"url"`
	} `json:"story"`
}

type attachment struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

type payload struct {
	URL     string    `json:"url"`
	Title   string    `json:"title"`
	Post    meta.Text `json:"ig_post_media_id"`
	Reel    meta.Text `json:"reel_video_id"`
	Sticker meta.Text `json:"sticker_id"`
}

type edit struct {
	MID  meta.Text `json:"mid"`
	Text string    `json:"text"`
	N    meta.Int  `json:"num_edit"`
}

type reaction struct {
	MID    meta.Text `json:"mid"`
	Action string    `json:"action"`
	Name   string    `json:"reaction"`
	Emoji  string    `json:"emoji"`
}

type seen struct {
	MID meta.Text `json:"mid"`
}

type postback struct {
	MID      meta.Text `json:"mid"`
	Title    string    `json:"title"`
	Payload  string    `json:"payload"`
	Referral *referral `json:"referral"`
}

type referral struct {
	Ref     string    `json:"ref"`
	AdID    meta.Text `json:"ad_id"`
	Source  string    `json:"source"`
	Type    string    `json:"type"`
	Product *struct {
		ID meta.Text `json:"id"`
	} `json:"product"`
	Ad *struct {
		Title string `json:"ad_title"`
		Photo string `json:"photo_url"`
		Video string `json:"video_url"`
	} `json:"ads_context_data"`
}

type optIn struct {
	Type    string    `json:"type"`
	Payload string    `json:"payload"`
	Ref     meta.Text `json:"ref"`
}

type handover struct {
	New      meta.Text `json:"new_owner_app_id"`
	Previous meta.Text `json:"previous_owner_app_id"`
	Asking   meta.Text `json:"requested_owner_app_id"`
	Metadata string    `json:"metadata"`
}

// comment is the value of a change about a comment or a live comment. Its id has two names.
type comment struct {
	ID        meta.Text `json:"id"`
	CommentID meta.Text `json:"comment_id"`
	Parent    meta.Text `json:"parent_id"`
	Text      string    `json:"text"`
	From      struct {
		ID       meta.Text `json:"id"`
		Self     meta.Text `json:"self_ig_scoped_id"`
		Username string    `json:"username"`
	} `json:"from"`
	Media struct {
		ID       meta.Text `json:"id"`
		Product  string    `json:"media_product_type"`
		AdTitle  string    `json:"ad_title"`
		Original meta.Text `json:"original_media_id"`
	} `json:"media"`
	Timestamp meta.Stamp `json:"timestamp"`
}

// mention is the value of a change about somebody naming us: ids only.
type mention struct {
	Comment meta.Text `json:"comment_id"`
	Media   meta.Text `json:"media_id"`
}
