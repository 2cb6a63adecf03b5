package api

import (
	"context"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/timeline"
)

// Account is a configured account as people see it.
type Account struct {
	ID        timeline.AccountID `json:"id"`
	Channel   string             `json:"channel"`
	Name      string             `json:"name"`
	Handle    timeline.Handle    `json:"handle,omitempty" doc:"The far side's name for it."`
	Queue     string             `json:"queue,omitempty" doc:"Where its conversations begin."`
	Enabled   bool               `json:"enabled"`
	Settings  map[string]string  `json:"settings" doc:"Without secrets."`
	Secrets   map[string]bool    `json:"secrets" doc:"Which secrets are set."`
	Health    channels.Health    `json:"health"`
	Callback  string             `json:"callback,omitempty" doc:"Where the far side's callbacks for it come in, where it has an address of its own."`
	LastIn    *time.Time         `json:"lastIn,omitempty" doc:"When something came in last."`
	Starts    bool               `json:"starts,omitempty" doc:"We may write first by it."`
	LastTest  *time.Time         `json:"lastTest,omitempty" doc:"When the far side tested its callbacks last."`
	CreatedAt time.Time          `json:"createdAt"`
	UpdatedAt time.Time          `json:"updatedAt"`
	Snippet   string             `json:"snippet,omitempty" doc:"HTML to paste on one's own pages, where the channel has such a thing."`
}

// AccountDraft is a new account. Settings holds secrets too.
type AccountDraft struct {
	ID       timeline.AccountID `json:"id,omitempty" maxLength:"64" doc:"Empty: the hub makes one."`
	Channel  string             `json:"channel" minLength:"1" maxLength:"64"`
	Name     string             `json:"name" minLength:"1" maxLength:"200"`
	Handle   timeline.Handle    `json:"handle,omitempty" maxLength:"500"`
	Queue    string             `json:"queue,omitempty" maxLength:"64"`
	Disabled bool               `json:"disabled,omitempty"`
	Settings map[string]string  `json:"settings,omitempty" doc:"By the names GET /api/channels lists, secrets too."`
}

// AccountChange changes an account; absent fields stay. Settings named with an empty value
// are removed, except secrets: an empty secret stays as it is.
type AccountChange struct {
	Name     *string           `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Handle   *timeline.Handle  `json:"handle,omitempty" maxLength:"500"`
	Queue    *string           `json:"queue,omitempty" maxLength:"64"`
	Enabled  *bool             `json:"enabled,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
}

// AccountList is every account.
type AccountList struct {
	Accounts []Account `json:"accounts"`
}

// ChannelInfo is a kind of channel: what draws its form and limits its composer.
type ChannelInfo struct {
	Kind     string                           `json:"kind"`
	Title    map[string]string                `json:"title" doc:"By language."`
	Icon     string                           `json:"icon"`
	Hue      int                              `json:"hue"`
	Settings []SettingInfo                    `json:"settings"`
	Can      channels.Capabilities            `json:"can"`
	Places   map[string]channels.Capabilities `json:"places,omitempty" doc:"Of further sorts of thread, by a leg's place; the usual one's are can."`
	App      []SettingInfo                    `json:"app,omitempty" doc:"Settings that its accounts share."`
	Connect  []ConnectInfo                    `json:"connect,omitempty" doc:"Ways to make accounts by signing in on the far side."`
	Callback string                           `json:"callback,omitempty" doc:"Where the far side's callbacks for all of its accounts come in."`
}

// SettingInfo is one line of an account's form.
type SettingInfo struct {
	Name     string            `json:"name"`
	Label    map[string]string `json:"label"`
	Help     map[string]string `json:"help,omitempty"`
	Kind     string            `json:"kind" doc:"text, secret, url, number, bool, choice, list or color."`
	Choices  []string          `json:"choices,omitempty"`
	Default  string            `json:"default,omitempty"`
	Optional bool              `json:"optional,omitempty"`
	Advanced bool              `json:"advanced,omitempty" doc:"Most accounts leave it alone."`
}

// ChannelList is every kind of channel.
type ChannelList struct {
	Channels []ChannelInfo `json:"channels"`
}

type changeAccountInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body AccountChange
}

func (s *Server) accountRoutes() {
	register(s, Route{ID: "list-channels", Method: http.MethodGet, Path: "/api/channels", Tag: "accounts", Access: Self,
		Summary: "The kinds of channel, with their forms and limits",
		Out:     ChannelList{Channels: []ChannelInfo{{Kind: exampleAccount.Channel, Title: map[string]string{"en": "Web chat"}, Icon: "message-circle", Hue: 220, Settings: []SettingInfo{}}}}}, s.listChannels)
	register(s, Route{ID: "list-accounts", Method: http.MethodGet, Path: "/api/accounts", Tag: "accounts", Access: Needs(auth.AccountRead),
		Summary: "Accounts with their health", Out: AccountList{Accounts: []Account{exampleAccount}}}, s.listAccounts)
	register(s, Route{ID: "create-account", Method: http.MethodPost, Path: "/api/accounts", Tag: "accounts", Access: Needs(auth.AccountManage), Status: 201,
		Summary: "Connect an account", Replays: true, Errors: []int{409},
		In: AccountDraft{Channel: exampleAccount.Channel, Name: "Shop", Settings: map[string]string{"title": "Shop"}}, Out: exampleAccount}, s.createAccount)
	register(s, Route{ID: "get-account", Method: http.MethodGet, Path: "/api/accounts/{id}", Tag: "accounts", Access: Needs(auth.AccountRead),
		Summary: "One account", Out: exampleAccount}, s.getAccount)
	register(s, Route{ID: "change-account", Method: http.MethodPatch, Path: "/api/accounts/{id}", Tag: "accounts", Access: Needs(auth.AccountManage),
		Summary: "Change an account", In: map[string]any{"enabled": false}, Out: exampleAccount}, s.changeAccount)
	register(s, Route{ID: "remove-account", Method: http.MethodDelete, Path: "/api/accounts/{id}", Tag: "accounts", Access: Needs(auth.AccountManage), Status: 204,
		Summary: "Remove an account", Help: "Its conversations stay."}, s.removeAccount)
}

func (s *Server) listChannels(ctx context.Context, _ *struct{}) (*body[ChannelList], error) {
	out := ChannelList{Channels: make([]ChannelInfo, 0, len(s.Channels))}
	for _, c := range s.Channels {
		info := ChannelInfo{Kind: c.Kind, Title: c.Title, Icon: c.Icon, Hue: c.Hue, Can: c.Can, Places: c.Places,
			Settings: settingInfos(c.Settings), App: settingInfos(c.App), Callback: s.sharedCallback(ctx, c)}
		for _, x := range s.Edge.Connections(c.Kind) {
			info.Connect = append(info.Connect, ConnectInfo(x))
		}
		out.Channels = append(out.Channels, info)
	}
	return &body[ChannelList]{out}, nil
}

func settingInfos(list []channels.Setting) []SettingInfo {
	out := make([]SettingInfo, 0, len(list))
	for _, set := range list {
		out = append(out, SettingInfo{Name: set.Name, Label: set.Label, Help: set.Help, Kind: set.Kind,
			Choices: set.Choices, Default: set.Default, Optional: set.Optional, Advanced: set.Advanced})
	}
	return out
}

func (s *Server) listAccounts(ctx context.Context, _ *struct{}) (*body[AccountList], error) {
	list, err := s.Accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	out := AccountList{Accounts: make([]Account, 0, len(list))}
	for i := range list {
		out.Accounts = append(out.Accounts, *s.masked(ctx, list[i]))
	}
	return &body[AccountList]{out}, nil
}

// masked makes sure that no secret leaves, whoever keeps the accounts.
func (s *Server) masked(ctx context.Context, a gateway.Account) *Account {
	view := Account{ID: a.ID, Channel: a.Channel, Name: a.Name, Handle: a.Handle, Queue: a.Queue, Enabled: a.Enabled, Settings: map[string]string{},
		Secrets: a.Secrets, Health: a.Health, LastIn: a.LastIn, LastTest: a.LastTest, Starts: a.Starts, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
	secret := map[string]bool{}
	if c := s.channel(a.Channel); c != nil {
		view.Snippet = s.snippet(ctx, c, a.ID)
		if a.Callback != "" {
			view.Callback = s.reachedAt(ctx) + a.Callback
		}
		for _, set := range c.Settings {
			secret[set.Name] = set.Secret()
		}
	}
	for name, value := range a.Settings {
		if !secret[name] {
			view.Settings[name] = value
		}
	}
	if view.Secrets == nil {
		view.Secrets = map[string]bool{}
	}
	return &view
}

// snippet is what to paste so that pages show the account's channel.
func (s *Server) snippet(ctx context.Context, c *channels.Channel, id timeline.AccountID) string {
	return strings.NewReplacer("{hub}", html.EscapeString(s.reachedAt(ctx)), "{account}", html.EscapeString(string(id))).Replace(c.Embed)
}

// reachedAt is where people reach the hub: as configured, or as this request did.
func (s *Server) reachedAt(ctx context.Context) string {
	who := callerOf(ctx)
	if s.Options.BaseURL != "" || who == nil || who.fiber == nil {
		return s.Options.BaseURL
	}
	scheme := "http://"
	if s.overTLS(who.fiber) {
		scheme = "https://"
	}
	return scheme + string(who.fiber.Request().Host())
}

func (s *Server) getAccount(ctx context.Context, in *idInput) (*body[Account], error) {
	a, err := s.Accounts.Get(ctx, timeline.AccountID(in.ID))
	if err != nil {
		return nil, err
	}
	return &body[Account]{*s.masked(ctx, a)}, nil
}

func (s *Server) createAccount(ctx context.Context, in *body[AccountDraft]) (*body[Account], error) {
	a, err := s.Accounts.Create(ctx, gateway.Draft(in.Body))
	if err != nil {
		return nil, err
	}
	return &body[Account]{*s.masked(ctx, a)}, s.audit(ctx, "account.create", string(a.ID), map[string]string{"channel": a.Channel, "name": a.Name})
}

func (s *Server) changeAccount(ctx context.Context, in *changeAccountInput) (*body[Account], error) {
	a, err := s.Accounts.Update(ctx, timeline.AccountID(in.ID), gateway.Change(in.Body))
	if err != nil {
		return nil, err
	}
	return &body[Account]{*s.masked(ctx, a)}, s.audit(ctx, "account.update", in.ID, nil)
}

func (s *Server) removeAccount(ctx context.Context, in *idInput) (*nothing, error) {
	if err := s.Accounts.Remove(ctx, timeline.AccountID(in.ID)); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "account.remove", in.ID, nil)
}
