package control

import (
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// The view is everything the page shows, in one answer: worlds are small.
type view struct {
	Now      time.Time     `json:"now"`
	Accounts []viewAccount `json:"accounts"`
	People   []viewPerson  `json:"people"`
	Threads  []viewThread  `json:"threads"`
	Media    []viewMedia   `json:"media"`
	Health   viewHealth    `json:"health"`
}

type viewAccount struct {
	Key      string   `json:"key"`
	Name     string   `json:"name"`
	Username string   `json:"username"`
	Bio      string   `json:"bio"`
	Avatar   string   `json:"avatar"`
	Surfaces []string `json:"surfaces"`
}

type viewPerson struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Avatar   string `json:"avatar"`
	WhatsApp bool   `json:"whatsapp"`
}

type viewThread struct {
	Surface  string        `json:"surface"`
	Account  string        `json:"account"`
	Person   string        `json:"person"`
	Updated  time.Time     `json:"updated"`
	Typing   bool          `json:"typing"`
	Messages []viewMessage `json:"messages"`
}

type viewMessage struct {
	ID          string           `json:"id"`
	Mine        bool             `json:"mine"` // the person's
	Text        string           `json:"text"`
	At          time.Time        `json:"at"`
	Deleted     bool             `json:"deleted"`
	Edited      bool             `json:"edited"`
	Seen        bool             `json:"seen"`
	Private     bool             `json:"private"` // answers a comment
	Reactions   []string         `json:"reactions"`
	Attachments []viewAttachment `json:"attachments"`
	Buttons     []world.Button   `json:"buttons"`
	ReplyTo     string           `json:"reply_to"`
	Story       string           `json:"story"`
}

type viewAttachment struct {
	Type string `json:"type"`
	Kind string `json:"kind"` // MIME type
	URL  string `json:"url"`
	Name string `json:"name"`
}

type viewMedia struct {
	ID       string        `json:"id"`
	Account  string        `json:"account"`
	Caption  string        `json:"caption"`
	Product  string        `json:"product"`
	URL      string        `json:"url"`
	Likes    int           `json:"likes"`
	At       time.Time     `json:"at"`
	Comments []viewComment `json:"comments"`
}

type viewComment struct {
	ID      string        `json:"id"`
	Author  string        `json:"author"`
	Avatar  string        `json:"avatar"`
	Person  string        `json:"person"` // key; empty is the business
	Text    string        `json:"text"`
	At      time.Time     `json:"at"`
	Hidden  bool          `json:"hidden"`
	Replies []viewComment `json:"replies"`
}

type viewHealth struct {
	Waiting       int `json:"waiting"`
	Retrying      int `json:"retrying"`
	Dropped       int `json:"dropped"`
	Unimplemented int `json:"unimplemented"`
}

func (a *API) view(*http.Request, []byte) (any, error) {
	h := viewHealth{Unimplemented: a.g.Calls.Unimplemented()}
	h.Waiting, h.Retrying, h.Dropped = a.w.Sender().Counts()
	return a.locked(func() (any, error) {
		v := view{Now: a.w.Clock().Now(), Health: h}
		for _, b := range a.w.BusinessesInOrder() {
			acc := viewAccount{Key: b.Key, Name: b.Name, Username: b.Username, Bio: b.Biography, Avatar: a.w.Link(b.Avatar)}
			for _, s := range a.w.Surfaces(b) {
				acc.Surfaces = append(acc.Surfaces, s)
				for _, t := range a.w.Threads(s, b) {
					v.Threads = append(v.Threads, a.viewThread(t))
				}
			}
			v.Accounts = append(v.Accounts, acc)
			for _, m := range a.w.MediaOf(b, false) {
				v.Media = append(v.Media, a.viewMedia(m))
			}
		}
		for _, p := range a.w.PeopleInOrder() {
			v.People = append(v.People, viewPerson{p.Key, p.Name, p.Username, a.w.Link(p.Avatar), p.WaID != "" || p.BSUID != ""})
		}
		return v, nil
	})
}

const typingShown = 20 * time.Second

func (a *API) viewThread(t *world.Thread) viewThread {
	v := viewThread{Surface: t.Surface, Account: t.Business, Person: t.Person, Updated: t.Updated,
		Typing: !t.TypingAt.IsZero() && a.w.Clock().Now().Sub(t.TypingAt) < typingShown}
	st := a.w.State()
	for _, id := range t.Messages {
		m := st.Messages[id]
		x := viewMessage{ID: m.ID, Mine: m.FromPerson, Text: m.Text, At: m.At, Deleted: m.Deleted, Edited: m.Edits > 0,
			Seen: m.Seen, Private: m.CommentID != "", Buttons: m.Buttons}
		for _, who := range []string{"person", "business"} {
			if r, there := m.Reactions[who]; there {
				x.Reactions = append(x.Reactions, r.Emoji)
			}
		}
		if to := st.Messages[m.ReplyTo]; to != nil {
			x.ReplyTo = to.Text
		}
		if s := st.Media[m.StoryID]; s != nil {
			x.Story = a.w.Link(s.Asset)
		}
		for _, at := range m.Attachments {
			va := viewAttachment{Type: at.Type, URL: at.URL, Name: at.Title}
			if f := st.Assets[at.Asset]; f != nil {
				va.URL, va.Kind, va.Name = a.w.Link(f.ID), f.Type, f.Name
			}
			x.Attachments = append(x.Attachments, va)
		}
		v.Messages = append(v.Messages, x)
	}
	return v
}

func (a *API) viewMedia(m *world.Media) viewMedia {
	return viewMedia{ID: m.ID, Account: m.Business, Caption: m.Caption, Product: m.Product, URL: a.w.Link(m.Asset),
		Likes: m.Likes, At: m.At, Comments: a.viewComments(m.ID, "")}
}

func (a *API) viewComments(media, parent string) []viewComment {
	out := []viewComment{}
	st := a.w.State()
	for _, c := range a.w.CommentsOf(media, parent) {
		v := viewComment{ID: c.ID, Person: c.Person, Text: c.Text, At: c.At, Hidden: c.Hidden}
		if p := st.People[c.Person]; p != nil {
			v.Author, v.Avatar = p.Username, a.w.Link(p.Avatar)
		} else if b := st.Businesses[c.Business]; b != nil {
			v.Author, v.Avatar = b.Username, a.w.Link(b.Avatar)
		}
		if parent == "" {
			v.Replies = a.viewComments(media, c.ID)
		}
		out = append(out, v)
	}
	return out
}
