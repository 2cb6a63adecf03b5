package api

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"regexp"
	"strings"

	"github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/timeline"
)

// IdentityInput is a way to reach a person that one of us knows of.
type IdentityInput struct {
	Scheme  string             `json:"scheme" minLength:"1" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"email, tel, or one of an account's, such as igsid." example:"email"`
	Value   string             `json:"value" minLength:"1" maxLength:"500" example:"maya@example.org"`
	Account timeline.AccountID `json:"account,omitempty" maxLength:"64" doc:"For schemes that mean something to one account only."`
}

type addIdentityInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body IdentityInput
}

type removeIdentityInput struct {
	ID       string `path:"id" maxLength:"64"`
	Identity string `query:"identity" required:"true" minLength:"1" maxLength:"1000" doc:"Its id."`
}

func (s *Server) identityRoutes() {
	register(s, Route{ID: "add-identity", Method: http.MethodPost, Path: "/api/persons/{id}/identities", Tag: "persons", Access: Needs(auth.PersonWrite),
		Summary: "Add a way to reach a person", Errors: []int{409},
		Help: "One of us vouches for it: what is written from there is the person's from now on. 409 names the person whose it is, and suggests to merge the two.",
		In:   IdentityInput{Scheme: "email", Value: "maya@example.org"}, Out: PersonView{Person: examplePerson, Identities: []timeline.Known{}}}, s.addIdentity)
	register(s, Route{ID: "remove-identity", Method: http.MethodDelete, Path: "/api/persons/{id}/identities", Tag: "persons", Access: Needs(auth.PersonWrite),
		Status: 204, Summary: "Take a way to reach a person away", Help: "What is written from there later is somebody new's."}, s.removeIdentity)
}

func (s *Server) addIdentity(ctx context.Context, in *addIdentityInput) (*body[PersonView], error) {
	p, _, err := s.reachable(ctx, timeline.PersonID(in.ID))
	if err != nil {
		return nil, err
	}
	i, err := s.identity(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	err = s.People.AddIdentity(ctx, p.ID, i)
	var other *journal.Conflict
	if errors.As(err, &other) {
		no := problem("identity-taken", "")
		no.Person = other.Person
		return nil, no
	}
	if err != nil {
		return nil, err
	}
	s.personChanged(ctx, p.ID)
	if err := s.audit(ctx, "person.identity.add", string(p.ID), map[string]string{"scheme": i.Scheme}); err != nil {
		return nil, err
	}
	return s.getPerson(ctx, &idInput{ID: string(p.ID)})
}

// phone is a number as E.164 has it.
var phone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// identity is what was sent, as equal identities are equal.
func (s *Server) identity(ctx context.Context, b IdentityInput) (timeline.Identity, error) {
	i := timeline.Identity{Account: b.Account, Scheme: b.Scheme, Value: strings.TrimSpace(b.Value), Proof: timeline.ProofAgent, Display: strings.TrimSpace(b.Value)}
	switch b.Scheme {
	case "email":
		i.Value = strings.ToLower(i.Value)
		if a, err := mail.ParseAddress(i.Value); err != nil || a.Address != i.Value || a.Name != "" {
			return i, invalid("value", "must be an e-mail address")
		}
	case "tel":
		i.Value = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(i.Value)
		if !phone.MatchString(i.Value) {
			return i, invalid("value", "must be a number with its country, such as +15550100200")
		}
	default:
		if b.Account == "" {
			return i, invalid("account", "name the account to which this means something")
		}
		if _, err := s.Accounts.Get(ctx, b.Account); err != nil {
			return i, invalid("account", "there is no such account")
		}
		return i, nil
	}
	if b.Account != "" {
		return i, invalid("account", "this means the same everywhere; name no account")
	}
	return i, nil
}

func (s *Server) removeIdentity(ctx context.Context, in *removeIdentityInput) (*nothing, error) {
	p, _, err := s.reachable(ctx, timeline.PersonID(in.ID))
	if err != nil {
		return nil, err
	}
	if err := s.People.RemoveIdentity(ctx, p.ID, timeline.IdentityID(in.Identity)); err != nil {
		return nil, err
	}
	s.personChanged(ctx, p.ID)
	return nil, s.audit(ctx, "person.identity.remove", string(p.ID), nil)
}
