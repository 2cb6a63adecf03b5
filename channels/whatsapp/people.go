package whatsapp

import (
	"regexp"
	"strings"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// The schemes of identities.
const (
	schemeTel   = "tel"   // +E.164; means the same on every channel
	schemeBSUID = "bsuid" // within the business portfolio
)

// businessScoped is the form of a business-scoped user id, also of one shared by portfolios.
var businessScoped = regexp.MustCompile(`^[A-Z]{2}\.([A-Z]{3}\.)?[A-Za-z0-9]{1,128}$`)

// number is a person's number as identities carry it: +E.164. Brazilian mobile numbers come
// with or without the ninth digit that all of them got by 2016; with it they are one. Empty where it is none.
func number(waID string) string {
	d := strings.TrimPrefix(waID, "+")
	if !meta.Digits(d) || len(d) < 5 || len(d) > 15 {
		return ""
	}
	if len(d) == 12 && strings.HasPrefix(d, "55") && d[4] >= '6' {
		d = d[:4] + "9" + d[4:]
	}
	return "+" + d
}

// who is somebody as a callback names them.
type who struct {
	waID     string // as the far side writes it, to answer to
	bsuid    string
	name     string
	username string
}

// party makes somebody of the names there are. A number's place may hold a business-scoped id.
func party(waID, user meta.Text) who {
	w := who{waID: string(waID), bsuid: string(user)}
	if businessScoped.MatchString(w.waID) {
		if w.bsuid == "" {
			w.bsuid = w.waID
		}
		w.waID = ""
	}
	if number(w.waID) == "" {
		w.waID = ""
	}
	if !businessScoped.MatchString(w.bsuid) {
		w.bsuid = ""
	}
	return w
}

// nobody reports that no name is good.
func (w who) nobody() bool { return w.waID == "" && w.bsuid == "" }

// with adds what the value's contacts tell of them: the one that has the same name, or, where
// the message has no name, the only one.
func (w who) with(all []contact) who {
	for _, c := range all {
		p := party(c.WaID, c.UserID)
		same := w.waID != "" && p.waID != "" && number(p.waID) == number(w.waID) || w.bsuid != "" && p.bsuid == w.bsuid
		only := w.nobody() && len(all) == 1
		if !same && !only {
			continue
		}
		if w.waID == "" {
			w.waID = p.waID
		}
		if w.bsuid == "" {
			w.bsuid = p.bsuid
		}
		w.name, w.username = c.Profile.Name, c.Profile.Username
		if w.username == "" {
			w.username = c.Username
		}
		break
	}
	return w
}

// thread is the name of their thread: the business-scoped id where there is one, which stays
// while a number comes and goes.
func (w who) thread() string {
	if w.bsuid != "" {
		return w.bsuid
	}
	return strings.TrimPrefix(number(w.waID), "+")
}

// to is whom to answer: the number as the far side writes it, else the business-scoped id.
func (w who) to() timeline.Handle {
	if w.waID != "" {
		return timeline.Handle(w.waID)
	}
	return timeline.Handle(w.bsuid)
}

// identities are theirs, the one that names the thread first. The platform vouches for both.
func (w who) identities(account timeline.AccountID) (peer timeline.Identity, links []timeline.Identity) {
	var all []timeline.Identity
	if w.bsuid != "" {
		all = append(all, timeline.Identity{Account: account, Scheme: schemeBSUID, Value: w.bsuid, Proof: timeline.ProofProvider, Display: w.display()})
	}
	if n := number(w.waID); n != "" {
		all = append(all, timeline.Identity{Scheme: schemeTel, Value: n, Proof: timeline.ProofProvider, Display: n})
	}
	if len(all) == 0 {
		return timeline.Identity{}, nil
	}
	return all[0], all[1:]
}

func (w who) display() string {
	switch {
	case w.username != "":
		return "@" + strings.TrimPrefix(w.username, "@")
	case w.waID != "":
		return number(w.waID)
	}
	return ""
}

// profile is what the callback tells of them; nil where it tells nothing.
func (w who) profile() *timeline.Profile {
	if w.name == "" && w.username == "" {
		return nil
	}
	return &timeline.Profile{Name: w.name, Username: strings.TrimPrefix(w.username, "@")}
}
