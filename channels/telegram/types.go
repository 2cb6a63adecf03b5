package telegram

import (
	"encoding/json"
	"strings"
)

// user is https://core.telegram.org/bots/api#user.
type user struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
	Language  string `json:"language_code"`
}

func (u user) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// chat is https://core.telegram.org/bots/api#chat.
type chat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"` // private, group, supergroup, channel
	Title     string `json:"title"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Bio       string `json:"bio"`
}

// sender is who a chat speaks as, where no user is named.
func (c chat) sender() user {
	u := user{ID: c.ID, FirstName: c.FirstName, LastName: c.LastName, Username: c.Username}
	if c.Title != "" {
		u.FirstName = c.Title
	}
	return u
}

// file is what photos, videos, voices and documents have in common.
type file struct {
	ID     string `json:"file_id"`
	Unique string `json:"file_unique_id"`
	Size   int64  `json:"file_size"`
	Name   string `json:"file_name"`
	MIME   string `json:"mime_type"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Length int    `json:"length"` // of a video note, which is round
	// Of audio:
	Performer string `json:"performer"`
	Title     string `json:"title"`
	// Of a sticker:
	Emoji    string `json:"emoji"`
	Animated bool   `json:"is_animated"`
	Video    bool   `json:"is_video"`
}

type location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Live      int     `json:"live_period"`
}

type venue struct {
	Location location `json:"location"`
	Title    string   `json:"title"`
	Address  string   `json:"address"`
}

type contact struct {
	Phone     string `json:"phone_number"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	UserID    int64  `json:"user_id"`
	VCard     string `json:"vcard"`
}

type entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"` // UTF-16 units, as is Length
	Length int    `json:"length"`
	URL    string `json:"url"`
}

// message is https://core.telegram.org/bots/api#message, as far as it is read.
type message struct {
	ID       int64 `json:"message_id"`
	Topic    int64 `json:"message_thread_id"`
	InTopic  bool  `json:"is_topic_message"`
	From     *user `json:"from"`
	As       *chat `json:"sender_chat"`
	Date     int64 `json:"date"`
	EditDate int64 `json:"edit_date"`
	Chat     chat  `json:"chat"`

	ReplyTo      *message `json:"reply_to_message"`
	ReplyToStory *struct {
		Chat chat  `json:"chat"`
		ID   int64 `json:"id"`
	} `json:"reply_to_story"`
	Quote *struct {
		Text string `json:"text"`
	} `json:"quote"`
	Forward *struct {
		Type   string `json:"type"`
		User   *user  `json:"sender_user"`
		Name   string `json:"sender_user_name"`
		Sender *chat  `json:"sender_chat"`
		Chat   *chat  `json:"chat"`
	} `json:"forward_origin"`
	Album  string `json:"media_group_id"`
	Markup *struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	} `json:"reply_markup"`

	Text            string   `json:"text"`
	Entities        []entity `json:"entities"`
	Caption         string   `json:"caption"`
	CaptionEntities []entity `json:"caption_entities"`

	Photo     []file    `json:"photo"`
	Video     *file     `json:"video"`
	Animation *file     `json:"animation"`
	Audio     *file     `json:"audio"`
	Voice     *file     `json:"voice"`
	VideoNote *file     `json:"video_note"`
	Document  *file     `json:"document"`
	Sticker   *file     `json:"sticker"`
	Location  *location `json:"location"`
	Venue     *venue    `json:"venue"`
	Contact   *contact  `json:"contact"`
	Poll      *struct {
		Question string `json:"question"`
	} `json:"poll"`
	Dice *struct {
		Emoji string `json:"emoji"`
		Value int    `json:"value"`
	} `json:"dice"`
}

// sender is who wrote: a group may write as itself.
func (m *message) sender() user {
	switch {
	case m.As != nil && m.As.ID != 0:
		return m.As.sender()
	case m.From != nil && m.From.ID != 0:
		return *m.From
	}
	return m.Chat.sender()
}

type callbackQuery struct {
	ID      string   `json:"id"`
	From    user     `json:"from"`
	Message *message `json:"message"`
	Data    string   `json:"data"`
	Game    string   `json:"game_short_name"`
}

type reactionType struct {
	Type  string `json:"type"` // emoji, custom_emoji, paid
	Emoji string `json:"emoji"`
}

type reactionUpdate struct {
	Chat      chat           `json:"chat"`
	MessageID int64          `json:"message_id"`
	User      *user          `json:"user"`
	Actor     *chat          `json:"actor_chat"`
	Date      int64          `json:"date"`
	Old       []reactionType `json:"old_reaction"`
	New       []reactionType `json:"new_reaction"`
}

type memberUpdate struct {
	Chat chat  `json:"chat"`
	From user  `json:"from"`
	Date int64 `json:"date"`
	New  struct {
		Status string `json:"status"`
	} `json:"new_chat_member"`
}

// hint is where updates of any kind may say who and when.
type hint struct {
	From   *user    `json:"from"`
	User   *user    `json:"user"`
	As     *chat    `json:"sender_chat"`
	Chat   *chat    `json:"chat"`
	Date   int64    `json:"date"`
	Topic  int64    `json:"message_thread_id"`
	Text   string   `json:"text"`
	Nested *message `json:"message"`
}

// reply is what every method answers.
type reply struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}
