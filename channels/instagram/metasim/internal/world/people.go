package world

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// AddApp adds an app; id and secret are drawn where empty.
func (w *World) AddApp(a App) (*App, error) {
	if a.ID == "" {
		a.ID = w.number("1", 15)
	}
	if w.st.Apps[a.ID] != nil {
		return nil, fmt.Errorf("there is an app %s already", a.ID)
	}
	if a.Secret == "" {
		a.Secret = w.opaque(32)
	}
	a.Hooks = map[string]*Hook{}
	w.st.Apps[a.ID] = &a
	return &a, nil
}

// AddBusiness adds a company. Ids that are empty stay absent; "auto" is drawn.
func (w *World) AddBusiness(b Business) (*Business, error) {
	if b.Key == "" {
		b.Key = b.Username
	}
	if b.Key == "" || w.st.Businesses[b.Key] != nil {
		return nil, fmt.Errorf("a business needs a key of its own, not %q", b.Key)
	}
	draw := func(id *string, prefix string, digits int) {
		if *id == "auto" {
			*id = w.number(prefix, digits)
		}
	}
	draw(&b.IG, "178414", 17)
	draw(&b.Page, "1", 15)
	draw(&b.Phone, "1", 15)
	draw(&b.WABA, "2", 15)
	if b.IG != "" && b.IGUser == "" {
		b.IGUser = w.number("2", 16)
	}
	if b.Phone != "" && b.PhoneNumber == "" {
		b.PhoneNumber = w.number("1555", 11)
	}
	if b.Avatar == "" {
		b.Avatar = w.AddAsset(Asset{Type: "image/png", Bytes: Still(b.Key, 160, 160)}).ID
	}
	w.st.Businesses[b.Key] = &b
	w.Touch()
	return &b, nil
}

// AddPerson adds a customer.
func (w *World) AddPerson(p Person) (*Person, error) {
	if p.Key == "" {
		p.Key = p.Username
	}
	if p.Key == "" || w.st.People[p.Key] != nil {
		return nil, fmt.Errorf("a person needs a key of their own, not %q", p.Key)
	}
	if p.Username == "" {
		p.Username = p.Key
	}
	if p.WaID == "auto" {
		p.WaID = w.number("1555", 11)
	}
	if p.BSUID == "auto" {
		p.BSUID = "US." + w.number("13", 18)
	}
	if p.Scoped == nil {
		p.Scoped = map[string]string{}
	}
	if p.Avatar == "" {
		p.Avatar = w.AddAsset(Asset{Type: "image/png", Bytes: Portrait(p.Key, p.Name)}).ID
	}
	w.st.People[p.Key] = &p
	w.st.Order = append(w.st.Order, p.Key)
	w.Touch()
	return &p, nil
}

// Business finds a company by key or by any of its ids.
func (w *World) Business(id string) *Business {
	if b := w.st.Businesses[id]; b != nil {
		return b
	}
	for _, b := range w.st.Businesses {
		if id != "" && has([]string{b.IG, b.IGUser, b.Page, b.Phone, b.WABA}, id) {
			return b
		}
	}
	return nil
}

// Person finds a customer by key or by any scoped id.
func (w *World) Person(id string) *Person {
	if p := w.st.People[id]; p != nil {
		return p
	}
	for _, p := range w.st.People {
		if id != "" && (p.WaID == id || p.BSUID == id) {
			return p
		}
		for _, s := range p.Scoped {
			if s == id {
				return p
			}
		}
	}
	return nil
}

// ScopedID is how a business knows a person on a surface.
func (w *World) ScopedID(surface string, b *Business, p *Person) string {
	if surface == WhatsApp {
		if p.WaID != "" {
			return p.WaID
		}
		return p.BSUID
	}
	k := surface + ":" + b.Key
	if p.Scoped[k] == "" {
		p.Scoped[k] = w.number("1", 16)
	}
	return p.Scoped[k]
}

// ByScoped finds the person a business knows by an id, and the surface it belongs to.
func (w *World) ByScoped(b *Business, id string) (*Person, string) {
	for _, p := range w.st.People {
		for _, s := range []string{Instagram, Messenger} {
			if p.Scoped[s+":"+b.Key] == id && id != "" {
				return p, s
			}
		}
	}
	return nil, ""
}

// ByWhatsApp finds a person by number, with or without a plus, or by business-scoped id.
func (w *World) ByWhatsApp(id string) *Person {
	id = strings.TrimPrefix(id, "+")
	for _, p := range w.st.People {
		if id != "" && (p.WaID == id || p.BSUID == id) {
			return p
		}
	}
	return nil
}

// AccountID is the business's id on a surface.
func (b *Business) AccountID(surface string) string {
	switch surface {
	case Messenger:
		return b.Page
	case WhatsApp:
		return b.Phone
	}
	return b.IG
}

// Thread returns the talk of a person with a business, made where there is none.
func (w *World) Thread(surface string, b *Business, p *Person) *Thread {
	if t := w.FindThread(surface, b, p); t != nil {
		return t
	}
	id := "t_" + w.number("1", 17)
	if surface == Instagram {
		id = "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6" + w.opaque(40)
	}
	t := &Thread{ID: id, Surface: surface, Business: b.Key, Person: p.Key, Requests: true, Updated: w.now()}
	w.ScopedID(surface, b, p)
	w.st.Threads[id] = t
	return t
}

// FindThread returns the talk of a person with a business, nil where there is none.
func (w *World) FindThread(surface string, b *Business, p *Person) *Thread {
	for _, t := range w.st.Threads {
		if t.Surface == surface && t.Business == b.Key && t.Person == p.Key {
			return t
		}
	}
	return nil
}

// Threads are a business's talks on a surface, newest first.
func (w *World) Threads(surface string, b *Business) []*Thread {
	var out []*Thread
	for _, t := range w.st.Threads {
		if t.Surface == surface && t.Business == b.Key {
			out = append(out, t)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Updated.Equal(out[j].Updated) {
			return out[i].ID < out[j].ID
		}
		return out[i].Updated.After(out[j].Updated)
	})
	return out
}

// AddMedia adds a post, reel, story, ad or live broadcast.
func (w *World) AddMedia(m Media) (*Media, error) {
	if m.ID == "" {
		m.ID = w.number("179", 17)
	}
	if w.st.Media[m.ID] != nil {
		return nil, fmt.Errorf("there is a media %s already", m.ID)
	}
	if (m.Business == "" || w.st.Businesses[m.Business] == nil) && (m.Person == "" || w.st.People[m.Person] == nil) {
		return nil, fmt.Errorf("a media needs a business or a person that exists")
	}
	if m.Type == "" {
		m.Type = "IMAGE"
	}
	if m.Product == "" {
		m.Product = "FEED"
	}
	if m.At.IsZero() {
		m.At = w.now()
	}
	if m.Asset == "" {
		m.Asset = w.AddAsset(Asset{Type: "image/png", Bytes: Picture(m.ID+m.Caption, 360, 360)}).ID
	}
	w.st.Media[m.ID] = &m
	w.st.Order = append(w.st.Order, m.ID)
	w.Touch()
	return &m, nil
}

// AddAsset puts a file on the CDN; its addresses live as long as the settings say.
func (w *World) AddAsset(a Asset) *Asset {
	if a.ID == "" {
		a.ID = w.number("13", 16)
	}
	w.st.Assets[a.ID] = &a
	return &a
}

// Link makes an address of a file, as the CDN gives them out: signed and with an end.
func (w *World) Link(asset string) string {
	if asset == "" {
		return ""
	}
	life := time.Duration(w.st.Settings.AssetMinutes) * time.Minute
	end := w.now().Add(life).Unix()
	if life > 2*time.Hour {
		end += 3600 - end%3600 // the same address for an hour, so that browsers may keep the file
	}
	return fmt.Sprintf("%s/%s/ig_messaging_cdn/?asset_id=%s&oe=%x&signature=%s", w.base, CDN, asset, end, LinkSignature(asset, end))
}

// ordered lists the ids of a kind in the order of their making.
func (w *World) ordered(keep func(id string) bool) []string {
	var out []string
	for _, id := range w.st.Order {
		if keep(id) {
			out = append(out, id)
		}
	}
	return out
}

// PeopleInOrder lists the customers, first made first.
func (w *World) PeopleInOrder() []*Person {
	var out []*Person
	for _, id := range w.ordered(func(id string) bool { return w.st.People[id] != nil }) {
		out = append(out, w.st.People[id])
	}
	return out
}

// MediaOf lists a business's media, newest first; stories only where asked for.
func (w *World) MediaOf(b *Business, stories bool) []*Media {
	var out []*Media
	for _, id := range w.ordered(func(id string) bool { return w.st.Media[id] != nil }) {
		m := w.st.Media[id]
		if m.Business == b.Key && (m.Product == "STORY") == stories {
			out = append([]*Media{m}, out...)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].At.After(out[j].At) })
	return out
}

// CommentsOf lists what stands below a media (parent empty) or below a comment, oldest first.
func (w *World) CommentsOf(media, parent string) []*Comment {
	var out []*Comment
	for _, id := range w.ordered(func(id string) bool { return w.st.Comments[id] != nil }) {
		c := w.st.Comments[id]
		if c.Media == media && c.Parent == parent && !c.Deleted {
			out = append(out, c)
		}
	}
	return out
}
