package control

import (
	"fmt"
	"net/http"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// Act is one thing somebody does. Who and to whom are keys or any id.
type Act struct {
	Do       string `json:"do"`
	Person   string `json:"person"`
	Business string `json:"business"` // the only one where empty
	Surface  string `json:"surface"`  // "instagram" where empty, "messenger", "whatsapp"
	world.Utterance
	Message string         `json:"message"` // id of the message acted upon
	Emoji   string         `json:"emoji"`
	Title   string         `json:"title"`
	Payload string         `json:"payload"`
	Ref     string         `json:"ref"`
	Source  string         `json:"source"`
	Media   string         `json:"media"`
	Comment string         `json:"comment"` // parent, or the one acted upon
	Values  map[string]int `json:"values"`  // story insights
	App     string         `json:"app"`     // of thread control
	Self    bool           `json:"self"`    // a business's test message to itself
	Times   int            `json:"times"`   // do it so often; 1 where 0
}

// Did is what came of an act.
type Did struct {
	OK      bool     `json:"ok"`
	Thread  string   `json:"thread,omitempty"`
	Person  string   `json:"person_id,omitempty"` // as the business knows the person
	Message string   `json:"message,omitempty"`
	Comment string   `json:"comment,omitempty"`
	Media   string   `json:"media,omitempty"`
	IDs     []string `json:"ids,omitempty"` // where times is more than one
	Events  int      `json:"events"`        // webhooks queued
}

func (a *API) act(_ *http.Request, body []byte) (any, error) {
	var in Act
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.Do(in)
}

// Do performs an act and queues the webhooks it causes.
func (a *API) Do(in Act) (Did, error) {
	a.w.Lock()
	defer a.w.Unlock()
	var all Did
	for range max(1, in.Times) {
		did, events, err := a.perform(in)
		if err != nil {
			return did, fmt.Errorf("%s: %w", in.Do, err)
		}
		a.w.Deliver(events)
		did.Events = len(events) + all.Events
		if in.Times > 1 {
			did.IDs = append(all.IDs, did.Message+did.Comment)
		}
		all = did
	}
	all.OK = true
	return all, nil
}

// scene is an act with its people looked up.
type scene struct {
	Act
	b *world.Business
	p *world.Person
	m *world.Message
}

func (a *API) perform(in Act) (Did, []world.Dispatch, error) {
	s, err := a.cast(in)
	if err != nil {
		return Did{}, nil, err
	}
	if s.m != nil {
		return a.onMessage(s)
	}
	if s.p == nil {
		return a.alone(s)
	}
	switch s.Do {
	case "comment", "comment_delete", "story_mention", "post_mention", "block", "unblock", "follow":
		return a.public(s)
	}
	return a.inThread(s)
}

func (a *API) cast(in Act) (scene, error) {
	s := scene{Act: in}
	if s.Surface == "" {
		s.Surface = world.Instagram
	}
	if in.Message != "" && in.Do != "read" {
		if s.m = a.w.State().Messages[in.Message]; s.m == nil {
			return s, fmt.Errorf("message %q: %w", in.Message, errUnknown)
		}
		return s, nil
	}
	if list := a.w.BusinessesInOrder(); in.Business == "" && len(list) == 1 {
		s.b = list[0]
	} else if s.b = a.w.Business(in.Business); s.b == nil {
		return s, fmt.Errorf("account %q: %w", in.Business, errUnknown)
	}
	if in.Person == "" {
		return s, nil
	}
	if s.p = a.w.Person(in.Person); s.p == nil {
		return s, fmt.Errorf("person %q: %w", in.Person, errUnknown)
	}
	return s, nil
}

// onMessage are the acts on a message that exists.
func (a *API) onMessage(s scene) (Did, []world.Dispatch, error) {
	did := Did{Message: s.m.ID, Thread: s.m.Thread}
	var events []world.Dispatch
	var err error
	switch s.Do {
	case "edit":
		events, err = a.w.Edit(s.m, s.Text)
	case "unsend":
		events, err = a.w.Unsend(s.m)
	case "react":
		if s.Emoji == "" {
			s.Emoji = "❤️"
		}
		events = a.w.React(s.m, s.Emoji)
	case "unreact":
		events = a.w.React(s.m, "")
	default:
		err = fmt.Errorf("%q is not done to a message", s.Do)
	}
	return did, events, err
}

// inThread are the acts of a person in a direct thread, and the business's from its phone.
func (a *API) inThread(s scene) (Did, []world.Dispatch, error) {
	if s.b.AccountID(s.Surface) == "" {
		return Did{}, nil, fmt.Errorf("%s is not on %s", s.b.Key, s.Surface)
	}
	t := a.w.Thread(s.Surface, s.b, s.p)
	did := Did{Thread: t.ID, Person: a.w.ScopedID(s.Surface, s.b, s.p)}
	var m *world.Message
	var events []world.Dispatch
	var err error
	switch s.Do {
	case "dm", "story_reply", "quick_reply":
		if s.Do == "quick_reply" && s.QuickReply == "" {
			s.QuickReply = s.Payload
		}
		m, events, err = a.w.Say(t, s.Utterance)
	case "phone":
		m, events, err = a.w.FromPhone(t, s.Utterance, s.Self)
	case "read":
		events, err = a.w.Read(t, a.w.State().Messages[s.Message])
	case "postback", "ice_breaker":
		events, err = a.w.Press(t, s.Title, s.Payload)
	case "referral":
		events = a.w.Refer(t, s.Ref, s.Source)
	case "pass_thread":
		events = a.w.Pass(t, "", s.App)
	case "accept_request":
		t.Requests = false
	default:
		err = fmt.Errorf("nobody knows how to do %q", s.Do)
	}
	if m != nil {
		did.Message = m.ID
	}
	return did, events, err
}

// public are the acts of a person outside a thread.
func (a *API) public(s scene) (Did, []world.Dispatch, error) {
	switch s.Do {
	case "comment":
		m := a.w.State().Media[s.Media]
		if m == nil {
			return Did{}, nil, fmt.Errorf("media %q: %w", s.Media, errUnknown)
		}
		c, events, err := a.w.Comment(s.p, m, s.Comment, s.Text)
		if err != nil {
			return Did{}, nil, err
		}
		return Did{Comment: c.ID, Media: m.ID, Person: a.w.ScopedID(world.Instagram, s.b, s.p)}, events, nil
	case "comment_delete":
		c := a.w.State().Comments[s.Comment]
		if c == nil || c.Person != s.p.Key {
			return Did{}, nil, fmt.Errorf("comment %q of %s: %w", s.Comment, s.p.Key, errUnknown)
		}
		c.Deleted = true
		a.w.Touch()
		return Did{Comment: c.ID}, nil, nil // Instagram tells nobody
	case "story_mention":
		m, events, err := a.w.MentionInStory(s.p, s.b)
		if m == nil {
			return Did{}, events, err
		}
		return Did{Message: m.ID, Thread: m.Thread, Media: m.Attachments[0].MediaID}, events, err
	case "post_mention":
		m, err := a.w.AddMedia(world.Media{Person: s.p.Key, Caption: s.Text})
		if err != nil {
			return Did{}, nil, err
		}
		return Did{Media: m.ID}, a.w.MentionInPost(m), nil
	}
	a.relation(s)
	return Did{}, nil, nil
}

func (a *API) relation(s scene) {
	switch s.Do {
	case "block":
		s.p.Blocks = append(remove(s.p.Blocks, s.b.Key), s.b.Key)
	case "unblock":
		s.p.Blocks = remove(s.p.Blocks, s.b.Key)
	case "follow":
		s.p.Follows = append(remove(s.p.Follows, s.b.Key), s.b.Key)
	}
	a.w.Touch()
}

func remove(list []string, s string) []string {
	var out []string
	for _, x := range list {
		if x != s {
			out = append(out, x)
		}
	}
	return out
}

// alone are the acts that need no person.
func (a *API) alone(s scene) (Did, []world.Dispatch, error) {
	switch s.Do {
	case "story_insights", "end_live":
		m := a.w.State().Media[s.Media]
		if m == nil {
			return Did{}, nil, fmt.Errorf("media %q: %w", s.Media, errUnknown)
		}
		if s.Do == "end_live" {
			m.Ended = true
			a.w.Touch()
			return Did{Media: m.ID}, nil, nil
		}
		return Did{Media: m.ID}, a.w.StoryInsights(s.b, m, s.Values), nil
	case "test_event":
		return Did{}, a.w.TestEvent(s.b), nil
	}
	return Did{}, nil, fmt.Errorf("nobody knows how to do %q without a person or a message", s.Do)
}
