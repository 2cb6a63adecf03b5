package messenger

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels/internal/meta"
)

// item is one thing of a messaging or standby list, as it comes. One of the pointers is set.
type item struct {
	meta.Item
	Message  *message `json:"message"`
	Delivery *receipt `json:"delivery"`
	Read     *receipt `json:"read"`
}

type message struct {
	MID         meta.Text    `json:"mid"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
	Echo        bool         `json:"is_echo"`
	Deleted     bool         `json:"is_deleted"`
	Unsupported bool         `json:"is_unsupported"`
	App         meta.Text    `json:"app_id"` // of an echo: which app sent it
	ReplyTo     *struct {
		MID meta.Text `json:"mid"`
	} `json:"reply_to"`
	QuickReply *struct {
		Payload string `json:"payload"`
	} `json:"quick_reply"`
	Referral *meta.Referral `json:"referral"`
}

// attachment names its thing in the payload, except that the fallback of a link has title and
// address beside it.
type attachment struct {
	Type    string          `json:"type"`
	Title   string          `json:"title"`
	URL     string          `json:"url"`
	Payload json.RawMessage `json:"payload"`
}

type payload struct {
	URL         string    `json:"url"`
	Title       string    `json:"title"`
	Sticker     meta.Text `json:"sticker_id"`
	Post        meta.Text `json:"post_id"`
	Reel        meta.Text `json:"reel_video_id"`
	Coordinates *struct {
		Lat  json.Number `json:"lat"`
		Long json.Number `json:"long"`
	} `json:"coordinates"`
	Template string `json:"template_type"`
	Text     string `json:"text"`
	Elements []struct {
		Title    string `json:"title"`
		Subtitle string `json:"subtitle"`
		Image    string `json:"image_url"`
		Item     string `json:"item_url"`
	} `json:"elements"`
	Product *struct {
		Elements []struct {
			ID       meta.Text `json:"id"`
			Title    string    `json:"title"`
			Subtitle string    `json:"subtitle"`
			Image    string    `json:"image_url"`
		} `json:"elements"`
	} `json:"product"`
}

// receipt is a delivery or a read: a moment until which all of ours arrived, or were seen.
type receipt struct {
	MIDs      []meta.Text `json:"mids"`
	Watermark meta.Stamp  `json:"watermark"`
}

// feed is the value of a change of the Page's feed: somebody commented, posted or reacted.
type feed struct {
	Item     string     `json:"item"` // comment, post, status, photo, video, share, reaction, like
	Verb     string     `json:"verb"` // add, edited, edit, remove, hide, unhide
	Comment  meta.Text  `json:"comment_id"`
	Post     meta.Text  `json:"post_id"`
	Parent   meta.Text  `json:"parent_id"`
	Message  string     `json:"message"`
	Created  meta.Stamp `json:"created_time"`
	Reaction string     `json:"reaction_type"`
	Photo    string     `json:"photo"`
	Video    string     `json:"video"`
	Link     string     `json:"link"`
	Photos   []string   `json:"photos"`
	From     struct {
		ID   meta.Text `json:"id"`
		Name string    `json:"name"`
	} `json:"from"`
	About struct {
		Type      string `json:"status_type"`
		Permalink string `json:"permalink_url"`
	} `json:"post"`
}
