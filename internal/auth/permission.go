package auth

import (
	"slices"

	"github.com/parley-hub/parley/timeline"
)

// Permission is one thing an agent may be allowed to do.
type Permission string

// The permissions.
const (
	ConversationRead   Permission = "conversation.read"
	ConversationReply  Permission = "conversation.reply"
	ConversationNote   Permission = "conversation.note"
	ConversationAssign Permission = "conversation.assign"
	ConversationManage Permission = "conversation.manage"
	PersonRead         Permission = "person.read"
	PersonWrite        Permission = "person.write"
	PersonMerge        Permission = "person.merge"
	PersonExport       Permission = "person.export"
	PersonErase        Permission = "person.erase"
	AccountRead        Permission = "account.read"
	AccountManage      Permission = "account.manage"
	AgentRead          Permission = "agent.read"
	AgentManage        Permission = "agent.manage"
	TeamManage         Permission = "team.manage"
	DeadManage         Permission = "dead.manage"
	AuditRead          Permission = "audit.read"
	StatusRead         Permission = "status.read"
	ViewShare          Permission = "view.share"
	ReplyShare         Permission = "reply.share"
	CatalogueManage    Permission = "catalogue.manage"
	WebhookManage      Permission = "webhook.manage"
)

// Permissions lists every permission with what it allows, for people.
var Permissions = []struct {
	Name Permission
	Help string
}{
	{ConversationRead, "Read conversations that the visibility allows."},
	{ConversationReply, "Answer, undo and send again; attach files."},
	{ConversationNote, "Write notes for colleagues."},
	{ConversationAssign, "Give conversations to an agent or a team."},
	{ConversationManage, "Change state, labels, priority and subject."},
	{PersonRead, "See persons and how to reach them."},
	{PersonWrite, "Change a person's name, note and attributes."},
	{PersonMerge, "Make two persons one, and undo it."},
	{PersonExport, "Take out everything kept of a person."},
	{PersonErase, "Erase a person for good."},
	{AccountRead, "See accounts and their health."},
	{AccountManage, "Connect, change and remove accounts."},
	{AgentRead, "See colleagues and teams."},
	{AgentManage, "Invite, change and disable agents."},
	{TeamManage, "Make, change and remove teams."},
	{DeadManage, "See, replay and discard what could not be handled."},
	{AuditRead, "Read the audit log."},
	{StatusRead, "See how the hub is doing."},
	{ViewShare, "Make, change and remove views that others see."},
	{ReplyShare, "Make, change and remove saved replies that others use."},
	{CatalogueManage, "Define labels, attributes and business hours."},
	{WebhookManage, "Add, change and remove endpoints that are told what happens."},
}

// Scope is which conversations are visible.
type Scope string

// The scopes, widest first.
const (
	ScopeAll  Scope = "all"  // every conversation
	ScopeTeam Scope = "team" // my teams', those of no team, and mine
	ScopeOwn  Scope = "own"  // those assigned to me
)

// Scopes lists every scope, widest first.
var Scopes = []Scope{ScopeAll, ScopeTeam, ScopeOwn}

// Role is a named set of permissions.
type Role struct {
	Name        string       `json:"name"`
	Title       string       `json:"title"`
	Scope       Scope        `json:"scope"`
	Permissions []Permission `json:"permissions"`
}

// Roles are the built-in roles.
var Roles = []Role{
	{Name: "admin", Title: "Administrator", Scope: ScopeAll, Permissions: allPermissions()},
	{Name: "supervisor", Title: "Supervisor", Scope: ScopeAll, Permissions: []Permission{
		ConversationRead, ConversationReply, ConversationNote, ConversationAssign, ConversationManage,
		PersonRead, PersonWrite, PersonMerge, PersonExport, AccountRead, AgentRead, TeamManage, DeadManage, AuditRead, StatusRead,
		ViewShare, ReplyShare, CatalogueManage}},
	{Name: "agent", Title: "Agent", Scope: ScopeTeam, Permissions: []Permission{
		ConversationRead, ConversationReply, ConversationNote, ConversationAssign, ConversationManage,
		PersonRead, PersonWrite, AccountRead, AgentRead, StatusRead}},
	{Name: "viewer", Title: "Viewer", Scope: ScopeTeam, Permissions: []Permission{
		ConversationRead, PersonRead, AccountRead, AgentRead, StatusRead}},
}

func allPermissions() []Permission {
	list := make([]Permission, 0, len(Permissions))
	for _, p := range Permissions {
		list = append(list, p.Name)
	}
	return list
}

// RoleNamed finds a built-in role.
func RoleNamed(name string) (Role, bool) {
	i := slices.IndexFunc(Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{}, false
	}
	return Roles[i], true
}

// Principal is a signed-in agent: who acts, and what they may do. It does not change;
// what is decided for longer than one request is decided anew.
type Principal struct {
	Agent   timeline.AgentID
	Name    string
	Email   string
	Roles   []string
	Teams   []timeline.TeamID
	Scope   Scope
	Session string // public id of the sign-in; empty for a token
	Token   string // public id of the token; empty for a sign-in
	key     string // of the session or token in the store
	allowed map[Permission]bool
}

// PrincipalOf is what an agent may do at present, for what the hub does in their name after
// the request that asked for it.
func PrincipalOf(a *Agent) *Principal { return newPrincipal(a, nil) }

// newPrincipal works out what an agent may do. A token may allow less: only what limit
// lists, where it lists anything.
func newPrincipal(a *Agent, limit []Permission) *Principal {
	p := &Principal{Agent: a.ID, Name: a.Name, Email: a.Email, Roles: a.Roles, Teams: a.Teams, Scope: ScopeOwn,
		allowed: map[Permission]bool{}}
	for _, name := range a.Roles {
		role, ok := RoleNamed(name)
		if !ok {
			continue
		}
		if wider(role.Scope, p.Scope) {
			p.Scope = role.Scope
		}
		for _, perm := range role.Permissions {
			if len(limit) == 0 || slices.Contains(limit, perm) {
				p.allowed[perm] = true
			}
		}
	}
	if a.Scope != "" {
		p.Scope = a.Scope
	}
	return p
}

func wider(a, b Scope) bool { return slices.Index(Scopes, a) < slices.Index(Scopes, b) }

// Has reports whether the agent may do a thing.
func (p *Principal) Has(perm Permission) bool { return p != nil && p.allowed[perm] }

// Permissions lists what the agent may do, in the order of [Permissions].
func (p *Principal) Permissions() []Permission {
	list := []Permission{}
	for _, known := range Permissions {
		if p.allowed[known.Name] {
			list = append(list, known.Name)
		}
	}
	return list
}

// Covers reports whether the agent may do everything a role allows: nobody grants more
// than they have.
func (p *Principal) Covers(r Role) bool {
	for _, perm := range r.Permissions {
		if !p.Has(perm) {
			return false
		}
	}
	return !wider(r.Scope, p.Scope)
}

// CanSee reports whether a conversation is visible to the agent. It is pure.
func (p *Principal) CanSee(c *timeline.Conversation) bool {
	if !p.Has(ConversationRead) || c == nil {
		return false
	}
	switch p.Scope {
	case ScopeAll:
		return true
	case ScopeTeam:
		return c.Assignee == p.Agent || c.Team == "" || slices.Contains(p.Teams, c.Team)
	case ScopeOwn:
		return c.Assignee == p.Agent
	}
	return false
}

// Actor is the agent as events name them.
func (p *Principal) Actor() timeline.Actor {
	return timeline.Actor{Kind: timeline.ActorAgent, ID: string(p.Agent), Name: p.Name}
}
