package auth

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

const good = "correct horse battery"

// clock stands still unless it is moved, however slow the machine.
type clock struct {
	begun time.Time
	d     atomic.Int64
}

func (c *clock) Now() time.Time      { return c.begun.Add(time.Duration(c.d.Load())) }
func (c *clock) add(d time.Duration) { c.d.Add(int64(d)) }

func newService(t *testing.T, opt ...Options) (*Service, *clock) {
	t.Helper()
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{begun: time.Now()}
	o := Options{}
	if len(opt) > 0 {
		o = opt[0]
	}
	o.Now = c.Now
	return New(s, box, o), c
}

func (s *Service) mustAgent(t *testing.T, email, role string) *Agent {
	t.Helper()
	a, err := s.CreateAgent(t.Context(), NewAgent{Email: email, Name: "Priya Nair", Password: good, Roles: []string{role}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *Service) mustSignIn(t *testing.T, email string) (string, *Principal) {
	t.Helper()
	secret, _, err := s.SignIn(t.Context(), SignIn{Email: email, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Session(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return secret, p
}

func TestVisibility(t *testing.T) {
	agent := &Agent{ID: "me", Roles: []string{"agent"}, Teams: []timeline.TeamID{"orders"}}
	with := func(roles string, scope Scope) *Principal {
		a := *agent
		a.Roles, a.Scope = []string{roles}, scope
		return newPrincipal(&a, nil)
	}
	for _, tc := range []struct {
		name string
		p    *Principal
		c    timeline.Conversation
		want bool
	}{
		{"an administrator sees others' teams", with("admin", ""), timeline.Conversation{Team: "returns", Assignee: "other"}, true},
		{"an agent sees what has no team", with("agent", ""), timeline.Conversation{Assignee: "other"}, true},
		{"an agent sees the own team's", with("agent", ""), timeline.Conversation{Team: "orders"}, true},
		{"an agent does not see another team's", with("agent", ""), timeline.Conversation{Team: "returns"}, false},
		{"unless it is assigned to them", with("agent", ""), timeline.Conversation{Team: "returns", Assignee: "me"}, true},
		{"a scope of the agent's own counts", with("admin", ScopeOwn), timeline.Conversation{}, false},
		{"own is own", with("agent", ScopeOwn), timeline.Conversation{Assignee: "me"}, true},
		{"no role, nothing", with("none", ScopeAll), timeline.Conversation{}, false},
		{"nobody, nothing", nil, timeline.Conversation{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.p.CanSee(&tc.c); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRolesNameKnownPermissions(t *testing.T) {
	all := map[Permission]bool{}
	for _, p := range Permissions {
		if all[p.Name] || p.Help == "" {
			t.Errorf("%+v", p)
		}
		all[p.Name] = true
	}
	for _, r := range Roles {
		for _, p := range r.Permissions {
			if !all[p] {
				t.Errorf("%s: %s", r.Name, p)
			}
		}
	}
}

func TestPasswords(t *testing.T) {
	for password, want := range map[string]string{"short": "at least", strings.Repeat("x", 300): "at most", "aaaaaaaaaaaa": "more than one",
		"password123": "first", "priya.nair-2026": "e-mail", good: ""} {
		err := CheckPassword(password, "priya.nair@example.org", "Priya Nair")
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", password, err)
		}
	}
	h := newHashers(1)
	stored, err := h.hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(stored, err)
	}
	for password, want := range map[string]bool{good: true, good + "x": false, "": false} {
		if ok, err := h.verify(t.Context(), stored, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if ok, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("no password: %v, %v", ok, err)
	}
	for _, broken := range []string{"x", "$argon2i$v=19$m=1,t=1,p=1$a$b", "$argon2id$v=1$m=1,t=1,p=1$a$b", "$argon2id$v=19$m$a$b", "$argon2id$v=19$m=1,t=1,p=1$!$b"} {
		if _, err := h.verify(t.Context(), broken, good); err == nil {
			t.Errorf("%q is no hash", broken)
		}
	}
}

func TestHashingIsBounded(t *testing.T) {
	h := newHashers(1)
	inside, leave := make(chan struct{}), make(chan struct{})
	go func() { _ = h.do(context.Background(), func() { close(inside); <-leave }) }()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.verify(ctx, "", "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v", err)
	}
	close(leave)
}

func TestThrottleGrows(t *testing.T) {
	th := throttle{free: 3, first: time.Second, most: 5 * time.Second}
	for n, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if got := th.wait(n); got != want {
			t.Errorf("after %d: %s, want %s", n, got, want)
		}
	}
}

// Many attempts at once gain nothing over one after the other.
func TestParallelGuessesAreThrottled(t *testing.T) {
	s, _ := newService(t)
	s.mustAgent(t, "priya@example.org", "agent")
	var checked atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, _, err := s.SignIn(t.Context(), SignIn{Email: "priya@example.org", Password: "wrong", Client: Client{Address: "203.0.113.7"}})
			if errors.Is(err, ErrSignIn) {
				checked.Add(1)
			}
		})
	}
	wg.Wait()
	if n := int(checked.Load()); n > accountThrottle.free+1 {
		t.Errorf("%d passwords were checked", n)
	}
}

func TestOneAddressManyAccounts(t *testing.T) {
	s, c := newService(t)
	var throttled *ThrottledError
	for i := range 60 {
		err := s.attempt(t.Context(), strings.Repeat("x", i+1)+"@example.org", "203.0.113.7")
		if errors.As(err, &throttled) {
			break
		}
	}
	if throttled == nil {
		t.Fatal("never throttled")
	}
	c.add(throttleFor + addressThrottle.most)
	if err := s.attempt(t.Context(), "a@example.org", "203.0.113.7"); err != nil {
		t.Errorf("never forgotten: %v", err)
	}
}

func TestSessionsEnd(t *testing.T) {
	s, c := newService(t, Options{Idle: time.Hour, Max: 3 * time.Hour})
	a := s.mustAgent(t, "priya@example.org", "agent")
	secret, _ := s.mustSignIn(t, "priya@example.org")
	for range 3 {
		c.add(50 * time.Minute)
		if _, err := s.Session(t.Context(), secret); err != nil {
			t.Fatalf("a used session ended: %v", err)
		}
	}
	c.add(40 * time.Minute)
	if _, err := s.Session(t.Context(), secret); !errors.Is(err, ErrSession) {
		t.Errorf("beyond its longest: %v", err)
	}
	idle, _ := s.mustSignIn(t, "priya@example.org")
	c.add(61 * time.Minute)
	if _, err := s.Session(t.Context(), idle); !errors.Is(err, ErrSession) {
		t.Errorf("unused: %v", err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.store.C(store.Sessions).Count(t.Context(), bson.D{}); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
	live, p := s.mustSignIn(t, "priya@example.org")
	changed, stop := s.Changes(a.ID)
	defer stop()
	yes := true
	s.mustAgent(t, "admin@example.org", "admin")
	if _, err := s.UpdateAgent(t.Context(), a.ID, AgentChange{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	<-changed
	if _, err := s.Again(t.Context(), p); !errors.Is(err, ErrSession) {
		t.Errorf("a disabled agent: %v", err)
	}
	if _, err := s.Session(t.Context(), live); !errors.Is(err, ErrSession) {
		t.Errorf("a disabled agent: %v", err)
	}
}

func TestSignInRotatesTheSession(t *testing.T) {
	s, _ := newService(t)
	s.mustAgent(t, "priya@example.org", "agent")
	first, _ := s.mustSignIn(t, "priya@example.org")
	second, _, err := s.SignIn(t.Context(), SignIn{Email: "priya@example.org", Password: good, Earlier: first})
	if err != nil || second == first {
		t.Fatal(second, err)
	}
	if _, err := s.Session(t.Context(), first); !errors.Is(err, ErrSession) {
		t.Errorf("the earlier session: %v", err)
	}
	if !CheckCSRF(second, CSRF(second)) || CheckCSRF(second, CSRF(first)) || CheckCSRF(second, "") {
		t.Error("the CSRF token is not bound to the session")
	}
}

// Nothing that signs in is readable in the store.
func TestSecretsAreNotStored(t *testing.T) {
	s, _ := newService(t)
	a := s.mustAgent(t, "priya@example.org", "admin")
	session, p := s.mustSignIn(t, "priya@example.org")
	token, _, err := s.CreateToken(t.Context(), a.ID, "x", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	once, err := s.Invite(t.Context(), a.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Enrol(t.Context(), p, good)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{store.Agents, store.Sessions, store.Tokens} {
		err := s.store.C(name).Each(t.Context(), bson.D{}, func(raw bson.Raw) error {
			for _, secret := range []string{session, token, once, e.Secret, good} {
				if bytes.Contains(raw, []byte(secret)) {
					t.Errorf("%s holds a secret", name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneTimeSecretsWorkOnce(t *testing.T) {
	s, c := newService(t)
	first, err := s.First(t.Context())
	if err != nil || first == "" {
		t.Fatal(first, err)
	}
	secret, err := s.First(t.Context()) // a second start
	if err != nil || secret == "" || secret == first {
		t.Fatal(secret, err)
	}
	if _, _, err := s.Once(t.Context(), first, Client{}, ""); !errors.Is(err, ErrSignIn) {
		t.Errorf("the replaced secret: %v", err)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := s.Once(t.Context(), secret, Client{}, ""); err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d sign-ins with one secret", won.Load())
	}
	a := s.mustAgent(t, "late@example.org", "agent")
	late, err := s.Invite(t.Context(), a.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Hour)
	if _, _, err := s.Once(t.Context(), late, Client{}, ""); !errors.Is(err, ErrSignIn) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := s.Token(t.Context(), late); !errors.Is(err, ErrSession) {
		t.Errorf("an invitation as a token: %v", err)
	}
}

func TestCodesWorkOnce(t *testing.T) {
	s, c := newService(t)
	s.mustAgent(t, "priya@example.org", "agent")
	_, p := s.mustSignIn(t, "priya@example.org")
	e, err := s.Enrol(t.Context(), p, good)
	if err != nil {
		t.Fatal(err)
	}
	code := func(ahead time.Duration) string {
		x, err := totp.GenerateCode(e.Secret, c.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	recovery, err := s.Confirm(t.Context(), p, code(0))
	if err != nil || len(recovery) != recoveryCodes {
		t.Fatal(recovery, err)
	}
	c.add(2 * time.Minute)
	for name, x := range map[string]string{"a code": code(0), "a recovery code": recovery[3]} {
		a, err := s.AgentByEmail(t.Context(), "priya@example.org")
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if s.useCode(t.Context(), a, x) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%s was used %d times", name, won.Load())
		}
	}
	a, err := s.AgentByEmail(t.Context(), "priya@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]string{"too early": code(2 * time.Minute), "too late": code(-2 * time.Minute), "empty": "", "words": "abc"} {
		if err := s.useCode(t.Context(), a, x); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLastAdministratorStays(t *testing.T) {
	s, _ := newService(t)
	a := s.mustAgent(t, "ada@example.org", "admin")
	yes := true
	if _, err := s.UpdateAgent(t.Context(), a.ID, AgentChange{Disabled: &yes}); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("disabled: %v", err)
	}
	if _, err := s.UpdateAgent(t.Context(), a.ID, AgentChange{Roles: &[]string{"viewer"}}); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("demoted: %v", err)
	}
	b := s.mustAgent(t, "bob@example.org", "admin")
	if _, err := s.UpdateAgent(t.Context(), a.ID, AgentChange{Disabled: &yes}); err != nil {
		t.Error(err)
	}
	if _, err := s.UpdateAgent(t.Context(), b.ID, AgentChange{Disabled: &yes}); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("the other is disabled already: %v", err)
	}
	email := "ada@example.org"
	var fields FieldErrors
	if _, err := s.UpdateAgent(t.Context(), b.ID, AgentChange{Email: &email}); !errors.As(err, &fields) {
		t.Errorf("an address twice: %v", err)
	}
}

func TestAuditShowsTampering(t *testing.T) {
	s, _ := newService(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.Audit(t.Context(), Record{Action: "test", Data: map[string]string{"b": "2", "a": "1"}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.VerifyAudit(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := s.store.C(store.Audit)
	if _, err := log.Update(t.Context(), bson.D{{Key: "seq", Value: int64(7)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "action", Value: "nothing"}}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyAudit(t.Context()); err == nil || !strings.Contains(err.Error(), "line 7") {
		t.Errorf("changed: %v", err)
	}
	if _, err := log.Delete(t.Context(), bson.D{{Key: "seq", Value: int64(7)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyAudit(t.Context()); err == nil || !strings.Contains(err.Error(), "line 8") {
		t.Errorf("taken out: %v", err)
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Priya Nair": "PN", "ada": "A", "Tom de Vries": "TV", "": "?", "李 小龙": "李小", "Anne-Marie": "AM"} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTokensThatHaveEnded(t *testing.T) {
	s, c := newService(t)
	a := s.mustAgent(t, "priya@example.org", "agent")
	soon := s.now().Add(time.Hour)
	secret, tok, err := s.CreateToken(t.Context(), a.ID, "x", []Permission{ConversationRead}, &soon)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Token(t.Context(), secret)
	if err != nil || !p.Has(ConversationRead) || p.Has(ConversationReply) || p.Token != tok.ID {
		t.Fatalf("%+v, %v", p, err)
	}
	c.add(2 * time.Hour)
	if _, err := s.Token(t.Context(), secret); !errors.Is(err, ErrSession) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := s.Again(t.Context(), p); !errors.Is(err, ErrSession) {
		t.Errorf("again: %v", err)
	}
}
