package whatsapp

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels/internal/meta"
)

// value is what a change of the field messages tells: messages, or what became of ours. Each
// element is read alone, so that one that cannot be read does not spoil the others.
type value struct {
	Metadata struct {
		Number meta.Text `json:"display_phone_number"`
		Phone  meta.Text `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []contact         `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
	Errors   []json.RawMessage `json:"errors"`
	Echoes   []json.RawMessage `json:"message_echoes"`
}

// contact is a person as the value names them: by number, by the business-scoped id, or both.
type contact struct {
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
	WaID     meta.Text `json:"wa_id"`
	UserID   meta.Text `json:"user_id"`
	Username string    `json:"username"`
}

type message struct {
	From     meta.Text  `json:"from"`
	FromUser meta.Text  `json:"from_user_id"`
	To       meta.Text  `json:"to"`         // of an echo
	ToUser   meta.Text  `json:"to_user_id"` // of an echo
	Group    meta.Text  `json:"group_id"`
	ID       meta.Text  `json:"id"`
	At       meta.Stamp `json:"timestamp"`
	Type     string     `json:"type"`
	Context  *struct {
		ID        meta.Text `json:"id"`
		Forwarded bool      `json:"forwarded"`
		Often     bool      `json:"frequently_forwarded"`
		Product   *struct {
			Catalog meta.Text `json:"catalog_id"`
			ID      meta.Text `json:"product_retailer_id"`
		} `json:"referred_product"`
	} `json:"context"`
	Referral *referral `json:"referral"`
	Errors   []problem `json:"errors"`

	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Image    *media    `json:"image"`
	Video    *media    `json:"video"`
	Audio    *media    `json:"audio"`
	Voice    *media    `json:"voice"`
	Document *media    `json:"document"`
	Sticker  *media    `json:"sticker"`
	Location *location `json:"location"`
	Contacts []card    `json:"contacts"`
	Reaction *struct {
		ID    meta.Text `json:"message_id"`
		Emoji string    `json:"emoji"`
	} `json:"reaction"`
	Button *struct {
		Text    string `json:"text"`
		Payload string `json:"payload"`
	} `json:"button"`
	Interactive *interactive `json:"interactive"`
	Order       *order       `json:"order"`
	System      *system      `json:"system"`
	Edit        *struct {
		ID   meta.Text `json:"original_message_id"`
		Text string    `json:"text"`
	} `json:"edit"`
	Revoke *struct {
		ID meta.Text `json:"original_message_id"`
	} `json:"revoke"`
}

type media struct {
	ID       meta.Text `json:"id"`
	MIME     string    `json:"mime_type"`
	Caption  string    `json:"caption"`
	Name     string    `json:"filename"`
	SHA      string    `json:"sha256"`
	Voice    bool      `json:"voice"`
	Animated bool      `json:"animated"`
}

type location struct {
	Latitude  json.Number `json:"latitude"`
	Longitude json.Number `json:"longitude"`
	Name      string      `json:"name"`
	Address   string      `json:"address"`
	URL       string      `json:"url"`
}

// card is a contact that somebody sent.
type card struct {
	Name struct {
		Formatted string `json:"formatted_name"`
		First     string `json:"first_name"`
	} `json:"name"`
	Phones []struct {
		Phone string    `json:"phone"`
		WaID  meta.Text `json:"wa_id"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
	} `json:"emails"`
	Org struct {
		Company string `json:"company"`
	} `json:"org"`
}

type interactive struct {
	Type   string  `json:"type"`
	Button *choice `json:"button_reply"`
	List   *choice `json:"list_reply"`
	Flow   *struct {
		Name     string          `json:"name"`
		Body     string          `json:"body"`
		Response json.RawMessage `json:"response_json"`
	} `json:"nfm_reply"`
}

type choice struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type order struct {
	Catalog meta.Text `json:"catalog_id"`
	Text    string    `json:"text"`
	Items   []struct {
		ID       meta.Text   `json:"product_retailer_id"`
		Quantity meta.Text   `json:"quantity"`
		Price    json.Number `json:"item_price"`
		Currency string      `json:"currency"`
	} `json:"product_items"`
}

// system tells of the person's account: its number, or the platform's id for it, changed. The
// field of the new number had several names.
type system struct {
	Body     string    `json:"body"`
	Type     string    `json:"type"`
	WaID     meta.Text `json:"wa_id"`
	NewWaID  meta.Text `json:"new_wa_id"`
	UserID   meta.Text `json:"user_id"`
	Previous meta.Text `json:"previous_user_id"`
	Customer meta.Text `json:"customer"`
}

type referral struct {
	URL      string    `json:"source_url"`
	ID       meta.Text `json:"source_id"`
	Type     string    `json:"source_type"`
	Headline string    `json:"headline"`
	Body     string    `json:"body"`
	Click    string    `json:"ctwa_clid"`
}

type status struct {
	ID            meta.Text  `json:"id"`
	Status        string     `json:"status"`
	At            meta.Stamp `json:"timestamp"`
	Recipient     meta.Text  `json:"recipient_id"`
	RecipientUser meta.Text  `json:"recipient_user_id"`
	RecipientType string     `json:"recipient_type"`
	Opaque        string     `json:"biz_opaque_callback_data"`
	Errors        []problem  `json:"errors"`
}

// problem is an error inside a callback.
type problem struct {
	Code    meta.Int     `json:"code"`
	Title   string       `json:"title"`
	Message string       `json:"message"`
	Details meta.Details `json:"error_data"`
}
