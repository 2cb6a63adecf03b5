package instagram

import (
	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// scheme names identities: an id that one person has for one account.
const scheme = "igsid"

// Decode reads a callback. One that was not verified by [Channel].Split is verified here.
func (s *Session) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	b, a, err := meta.Take(c, s.app.verify, s.app.secrets)
	if err != nil {
		return nil, a, err
	}
	d := decoder{s: s, Reader: meta.Reader{Events: meta.Gather(Kind, len(b.Updates)), Scope: s.scope()}}
	for _, u := range b.Updates {
		d.update(u)
	}
	if d.Strange > 0 && s.warned.CompareAndSwap(false, true) {
		s.host.Log().Warn("a callback is about another account and is let go; this is told once", "updates", d.Strange)
	}
	return d.All, a, nil
}

// scope is what the account's events have in common.
func (s *Session) scope() meta.Scope {
	return meta.Scope{Account: s.id, Channel: "Instagram", Speaker: "Instagram", Scheme: scheme, Own: s.set.own, Mine: s.set.mine}
}

// decoder gathers the events of one callback.
type decoder struct {
	meta.Reader
	s *Session
}

// update reads one update.
func (d *decoder) update(u meta.Update) {
	who := string(meta.Whose(u))
	switch {
	case u.Test():
		d.Test(u, "dashboard")
	case u.Object != object && u.Object != "":
		d.Strange++
	case who != "" && !d.Mine(who) && !d.Mine(u.Entry):
		d.Strange++
	case u.ItemLike():
		d.item(u)
	case u.Field == "comments", u.Field == "live_comments":
		d.comment(u)
	case u.Field == "mentions":
		d.mention(u)
	default:
		d.Unknown(u, u.Field)
	}
}

// person is a person whose user name may be told.
func (d *decoder) person(id, username string) timeline.Identity {
	i := d.Person(id)
	if username != "" {
		i.Display = "@" + username
	}
	return i
}
