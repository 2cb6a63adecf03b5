package api

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/timeline"
)

// Agent is one of us, as others may see them.
type Agent struct {
	ID        timeline.AgentID  `json:"id"`
	Email     string            `json:"email"`
	Name      string            `json:"name"`
	Initials  string            `json:"initials"`
	Color     string            `json:"color" doc:"Of the avatar."`
	Roles     []string          `json:"roles"`
	Teams     []timeline.TeamID `json:"teams"`
	Scope     auth.Scope        `json:"scope,omitempty" doc:"Empty: the roles'."`
	TOTP      bool              `json:"totp"`
	Invited   bool              `json:"invited" doc:"Never signed in."`
	Disabled  *time.Time        `json:"disabled,omitempty"`
	CreatedAt time.Time         `json:"createdAt"`
	SignedIn  *time.Time        `json:"signedIn,omitempty"`
}

// AgentList is everybody who may sign in.
type AgentList struct {
	Agents []Agent     `json:"agents"`
	Roles  []auth.Role `json:"roles" doc:"The roles there are."`
}

// AgentInput invites an agent.
type AgentInput struct {
	Email string            `json:"email" maxLength:"254"`
	Name  string            `json:"name" maxLength:"100"`
	Roles []string          `json:"roles,omitempty" doc:"Absent: agent."`
	Teams []timeline.TeamID `json:"teams,omitempty"`
	Scope auth.Scope        `json:"scope,omitempty" enum:",all,team,own"`
}

// AgentChange changes an agent; absent fields stay.
type AgentChange struct {
	Email     *string            `json:"email,omitempty" maxLength:"254"`
	Name      *string            `json:"name,omitempty" maxLength:"100"`
	Roles     *[]string          `json:"roles,omitempty"`
	Teams     *[]timeline.TeamID `json:"teams,omitempty"`
	Scope     *auth.Scope        `json:"scope,omitempty" enum:",all,team,own"`
	Color     *string            `json:"color,omitempty" pattern:"^#[0-9a-fA-F]{6}$"`
	Disabled  *bool              `json:"disabled,omitempty" doc:"true ends all sign-ins at once."`
	ResetTOTP bool               `json:"resetTotp,omitempty" doc:"Takes the second factor away, for somebody who lost their device."`
}

// Invited is a new agent with the secret that signs them in once.
type Invited struct {
	Agent  Agent     `json:"agent"`
	Secret string    `json:"secret" doc:"For POST /api/session/once; shown once."`
	Until  time.Time `json:"until"`
}

// Team is a group of agents.
type Team struct {
	ID    timeline.TeamID `json:"id"`
	Name  string          `json:"name"`
	Color string          `json:"color"`
}

// TeamList is every team.
type TeamList struct {
	Teams []Team `json:"teams"`
}

// TeamInput names a team.
type TeamInput struct {
	Name string `json:"name" minLength:"1" maxLength:"100"`
}

type changeAgentInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body AgentChange
}

type changeTeamInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body TeamInput
}

func agentView(a *auth.Agent) Agent {
	v := Agent{ID: a.ID, Email: a.Email, Name: a.Name, Initials: a.Initials, Color: a.Color, Roles: a.Roles, Teams: a.Teams, Scope: a.Scope,
		TOTP: a.TOTP != nil && a.TOTP.Confirmed != nil, Invited: a.SignedIn == nil, Disabled: a.Disabled, CreatedAt: a.CreatedAt, SignedIn: a.SignedIn}
	if v.Roles == nil {
		v.Roles = []string{}
	}
	if v.Teams == nil {
		v.Teams = []timeline.TeamID{}
	}
	return v
}

func teamView(t *auth.Team) Team { return Team{ID: t.ID, Name: t.Name, Color: t.Color} }

func (s *Server) agentRoutes() {
	invited := Invited{Agent: exampleAgent, Secret: "x3Jm…", Until: exampleTime}
	register(s, Route{ID: "list-agents", Method: http.MethodGet, Path: "/api/agents", Tag: "agents", Access: Needs(auth.AgentRead),
		Summary: "Colleagues and roles", Out: AgentList{Agents: []Agent{exampleAgent}, Roles: auth.Roles[3:]}}, s.listAgents)
	register(s, Route{ID: "invite-agent", Method: http.MethodPost, Path: "/api/agents", Tag: "agents", Access: Needs(auth.AgentManage), Status: 201,
		Summary: "Invite an agent", Replays: true, Secret: true, Errors: []int{409},
		In: AgentInput{Email: "priya@example.org", Name: "Priya Nair", Roles: []string{"agent"}}, Out: invited}, s.inviteAgent)
	register(s, Route{ID: "invite-again", Method: http.MethodPost, Path: "/api/agents/{id}/invite", Tag: "agents", Access: Needs(auth.AgentManage),
		Summary: "A new one-time sign-in for an agent", Help: "Earlier invitations end.", Out: invited}, s.inviteAgain)
	register(s, Route{ID: "get-agent", Method: http.MethodGet, Path: "/api/agents/{id}", Tag: "agents", Access: Needs(auth.AgentRead),
		Summary: "One colleague", Out: exampleAgent}, s.getAgent)
	register(s, Route{ID: "change-agent", Method: http.MethodPatch, Path: "/api/agents/{id}", Tag: "agents", Access: Needs(auth.AgentManage),
		Summary: "Change or disable an agent", Errors: []int{409}, In: map[string]any{"disabled": true}, Out: exampleAgent}, s.changeAgent)
	register(s, Route{ID: "end-agent-sessions", Method: http.MethodDelete, Path: "/api/agents/{id}/sessions", Tag: "agents", Access: Needs(auth.AgentManage),
		Status: 204, Summary: "End all sign-ins of an agent"}, s.endAgentSessions)
	register(s, Route{ID: "list-teams", Method: http.MethodGet, Path: "/api/teams", Tag: "agents", Access: Needs(auth.AgentRead),
		Summary: "Teams", Out: TeamList{Teams: []Team{exampleTeam}}}, s.listTeams)
	register(s, Route{ID: "create-team", Method: http.MethodPost, Path: "/api/teams", Tag: "agents", Access: Needs(auth.TeamManage), Status: 201,
		Summary: "Make a team", Replays: true, Errors: []int{409}, In: TeamInput{Name: "Orders"}, Out: exampleTeam}, s.createTeam)
	register(s, Route{ID: "rename-team", Method: http.MethodPatch, Path: "/api/teams/{id}", Tag: "agents", Access: Needs(auth.TeamManage),
		Summary: "Rename a team", In: TeamInput{Name: "Returns"}, Out: exampleTeam}, s.renameTeam)
	register(s, Route{ID: "remove-team", Method: http.MethodDelete, Path: "/api/teams/{id}", Tag: "agents", Access: Needs(auth.TeamManage), Status: 204,
		Summary: "Remove a team", Help: "Its agents stay; its conversations keep the team's id."}, s.removeTeam)
}

func (s *Server) listAgents(ctx context.Context, _ *struct{}) (*body[AgentList], error) {
	list, err := s.Auth.Agents(ctx)
	if err != nil {
		return nil, err
	}
	out := AgentList{Agents: make([]Agent, 0, len(list)), Roles: auth.Roles}
	for i := range list {
		out.Agents = append(out.Agents, agentView(&list[i]))
	}
	return &body[AgentList]{out}, nil
}

func (s *Server) getAgent(ctx context.Context, in *idInput) (*body[Agent], error) {
	a, err := s.Auth.Agent(ctx, timeline.AgentID(in.ID))
	if err != nil {
		return nil, err
	}
	return &body[Agent]{agentView(a)}, nil
}

// mayGrant refuses roles that allow more than the caller's own.
func mayGrant(p *auth.Principal, roles []string) error {
	for _, name := range roles {
		if r, ok := auth.RoleNamed(name); ok && !p.Covers(r) {
			return problem("forbidden", "You cannot give the role "+name+", because it allows more than yours.")
		}
	}
	return nil
}

func (s *Server) inviteAgent(ctx context.Context, in *body[AgentInput]) (*body[Invited], error) {
	b := in.Body
	if len(b.Roles) == 0 {
		b.Roles = []string{"agent"}
	}
	if err := mayGrant(callerOf(ctx).Principal, b.Roles); err != nil {
		return nil, err
	}
	a, err := s.Auth.CreateAgent(ctx, auth.NewAgent{Email: b.Email, Name: b.Name, Roles: b.Roles, Teams: b.Teams, Scope: b.Scope})
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, "agent.create", string(a.ID), map[string]string{"email": a.Email}); err != nil {
		return nil, err
	}
	return s.invite(ctx, a)
}

func (s *Server) invite(ctx context.Context, a *auth.Agent) (*body[Invited], error) {
	secret, err := s.Auth.Invite(ctx, a.ID, auth.InviteHolds)
	if err != nil {
		return nil, err
	}
	return &body[Invited]{Invited{Agent: agentView(a), Secret: secret, Until: s.now().Add(auth.InviteHolds)}},
		s.audit(ctx, "agent.invite", string(a.ID), nil)
}

// managed reads an agent whom the caller may change: one whose roles do not exceed theirs.
func (s *Server) managed(ctx context.Context, id string) (*auth.Agent, error) {
	a, err := s.Auth.Agent(ctx, timeline.AgentID(id))
	if err != nil {
		return nil, err
	}
	return a, mayGrant(callerOf(ctx).Principal, a.Roles)
}

func (s *Server) inviteAgain(ctx context.Context, in *idInput) (*body[Invited], error) {
	a, err := s.managed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.invite(ctx, a)
}

func (s *Server) changeAgent(ctx context.Context, in *changeAgentInput) (*body[Agent], error) {
	b := in.Body
	was, err := s.managed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if b.Roles != nil {
		if err := mayGrant(callerOf(ctx).Principal, *b.Roles); err != nil {
			return nil, err
		}
	}
	a, err := s.Auth.UpdateAgent(ctx, was.ID, auth.AgentChange{Email: b.Email, Name: b.Name, Roles: b.Roles, Teams: b.Teams,
		Scope: b.Scope, Color: b.Color, Disabled: b.Disabled})
	if err != nil {
		return nil, err
	}
	if b.ResetTOTP {
		if err := s.Auth.ResetTOTP(ctx, a); err != nil {
			return nil, err
		}
		a.TOTP = nil
	}
	return &body[Agent]{agentView(a)}, s.audit(ctx, "agent.update", in.ID, changed(b))
}

// changed names what was changed, for the audit log.
func changed(b AgentChange) map[string]string {
	m := map[string]string{}
	for name, set := range map[string]bool{"email": b.Email != nil, "name": b.Name != nil, "teams": b.Teams != nil,
		"scope": b.Scope != nil, "color": b.Color != nil, "totp": b.ResetTOTP} {
		if set {
			m[name] = "changed"
		}
	}
	if b.Roles != nil {
		m["roles"] = join(*b.Roles)
	}
	if b.Disabled != nil {
		m["disabled"] = map[bool]string{true: "true", false: "false"}[*b.Disabled]
	}
	return m
}

func (s *Server) endAgentSessions(ctx context.Context, in *idInput) (*nothing, error) {
	a, err := s.managed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.EndSessions(ctx, a.ID, ""); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "agent.sessions.end", in.ID, nil)
}

func (s *Server) listTeams(ctx context.Context, _ *struct{}) (*body[TeamList], error) {
	list, err := s.Auth.Teams(ctx)
	if err != nil {
		return nil, err
	}
	out := TeamList{Teams: make([]Team, 0, len(list))}
	for i := range list {
		out.Teams = append(out.Teams, teamView(&list[i]))
	}
	return &body[TeamList]{out}, nil
}

func (s *Server) createTeam(ctx context.Context, in *body[TeamInput]) (*body[Team], error) {
	t, err := s.Auth.CreateTeam(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &body[Team]{teamView(t)}, s.audit(ctx, "team.create", string(t.ID), nil)
}

func (s *Server) renameTeam(ctx context.Context, in *changeTeamInput) (*body[Team], error) {
	t, err := s.Auth.RenameTeam(ctx, timeline.TeamID(in.ID), in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &body[Team]{teamView(t)}, s.audit(ctx, "team.rename", in.ID, nil)
}

func (s *Server) removeTeam(ctx context.Context, in *idInput) (*nothing, error) {
	if err := s.Auth.RemoveTeam(ctx, timeline.TeamID(in.ID)); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "team.remove", in.ID, nil)
}
