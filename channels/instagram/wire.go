package instagram

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels/internal/meta"
)

// item is one thing of a messaging or standby list, as it comes. One of the pointers is set; more
// than one where a referral comes with a message.
type item struct {
	meta.Item
	Message *message `json:"message"`
	Read    *seen    `json:"read"`
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
	Referral *meta.Referral `json:"referral"`
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

type seen struct {
	MID meta.Text `json:"mid"`
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
