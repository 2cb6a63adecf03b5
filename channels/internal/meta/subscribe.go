package meta

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels"
)

// EnsureSubscribed makes a node (an account, a Page) tell an app about fields, and keeps what
// it tells already. Where the platform does not know one of the fields, core alone is asked
// for. changed reports that something was missing. Empty app ids match any app.
func (c Client) EnsureSubscribed(ctx context.Context, node string, apps, fields, core []string) (changed bool, err error) {
	var list struct {
		Data []struct {
			ID     Text     `json:"id"`
			Fields []string `json:"subscribed_fields"`
		} `json:"data"`
	}
	if err := c.Get(ctx, node+"/subscribed_apps", nil, &list); err != nil {
		return false, fmt.Errorf("reading what %s tells: %w", node, err)
	}
	var have []string
	for _, a := range list.Data {
		if len(list.Data) == 1 || slices.Contains(apps, string(a.ID)) {
			have = append(have, a.Fields...)
		}
	}
	if within(fields, have) {
		return false, nil
	}
	err = c.subscribe(ctx, node, union(have, fields))
	if err == nil || !Is(err, 100, 0) {
		return err == nil, err
	}
	if within(core, have) {
		return false, nil // it has all that this version of the platform knows
	}
	err = c.subscribe(ctx, node, union(have, core))
	return err == nil, err
}

func (c Client) subscribe(ctx context.Context, node string, fields []string) error {
	if err := c.Post(ctx, node+"/subscribed_apps", url.Values{"subscribed_fields": {strings.Join(fields, ",")}}, nil, nil); err != nil {
		return fmt.Errorf("subscribing to %s: %w", node, err)
	}
	return nil
}

// Hook is a callback address of an app.
type Hook struct {
	Object, URL, VerifyToken string
	Fields                   []string
	Core                     []string // asked for where the platform does not know one of Fields; nil: nothing
}

// EnsureHook registers a callback address for an object of an app where none is. One that
// leads below it, to one account, will do. One that leads elsewhere is left alone and told as a
// *channels.Failure: it may serve another hub.
func (c Client) EnsureHook(ctx context.Context, a App, h Hook) (changed bool, err error) {
	c.Token, c.Proof = a.ID+"|"+a.Secret, ""
	var list struct {
		Data []struct {
			Object string `json:"object"`
			URL    string `json:"callback_url"`
			Active bool   `json:"active"`
			Fields []struct {
				Name string `json:"name"`
			} `json:"fields"`
		} `json:"data"`
	}
	if err := c.Get(ctx, a.ID+"/subscriptions", nil, &list); err != nil {
		return false, fmt.Errorf("reading the app's callbacks: %w", err)
	}
	var have []string
	active := false
	for _, s := range list.Data {
		if s.Object != h.Object {
			continue
		}
		for _, f := range s.Fields {
			have = append(have, f.Name)
		}
		if s.URL != "" && s.URL != h.URL && !strings.HasPrefix(s.URL, h.URL+"/") {
			return false, &channels.Failure{Class: channels.Misconfigured, Said: "the app's callbacks go to " + s.URL,
				Advice: "In the app's dashboard, set the callback address of " + h.Object + " to " + h.URL + ", unless another hub is meant to have them."}
		}
		if active = s.Active; active && within(h.Fields, have) {
			return false, nil
		}
	}
	err = c.hook(ctx, a, h, union(have, h.Fields))
	if h.Core != nil && Is(err, 100, 0) {
		if active && within(h.Core, have) {
			return false, nil // it has all that this version of the platform knows
		}
		err = c.hook(ctx, a, h, union(have, h.Core))
	}
	return err == nil, err
}

// Hooked is [Client.EnsureHook] for a channel: it does nothing where the app, its secret, the
// verify token or our own address is not known, and its errors are *channels.Failure.
func (c Client) Hooked(ctx context.Context, kind string, a App, h Hook) (changed bool, err error) {
	if h.URL == "" || h.VerifyToken == "" || a.ID == "" || a.Secret == "" {
		return false, nil
	}
	if changed, err = c.EnsureHook(ctx, a, h); err != nil {
		return false, Explained(kind, "registering the callback address", err)
	}
	return changed, nil
}

func (c Client) hook(ctx context.Context, a App, h Hook, fields []string) error {
	err := c.Form(ctx, a.ID+"/subscriptions", url.Values{"object": {h.Object}, "callback_url": {h.URL},
		"verify_token": {h.VerifyToken}, "fields": {strings.Join(fields, ",")}}, nil)
	if err != nil {
		return fmt.Errorf("registering the app's callbacks: %w", err)
	}
	return nil
}

func within(want, have []string) bool {
	return !slices.ContainsFunc(want, func(f string) bool { return !slices.Contains(have, f) })
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
