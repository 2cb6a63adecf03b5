package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// demoFile is what a demo's far sides are known by: settings that accounts of a channel share,
// and the accounts. Values may hold ${NAME} of the environment, such as the port a far side got.
type demoFile struct {
	Apps     map[string]map[string]string `json:"apps"`
	Accounts []struct {
		ID       timeline.AccountID `json:"id"`
		Channel  string             `json:"channel"`
		Name     string             `json:"name"`
		Handle   timeline.Handle    `json:"handle"`
		Queue    string             `json:"queue"`
		Settings map[string]string  `json:"settings"`
	} `json:"accounts"`
}

// demoAccounts makes the accounts of a file, each once in the life of a store: one that was
// removed since does not come back.
func (n *node) demoAccounts(ctx context.Context, file string) error {
	if file == "" {
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the demo's accounts: %w", err)
	}
	var d demoFile
	if err := json.Unmarshal([]byte(expand(string(raw))), &d); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	for kind, values := range d.Apps {
		if err := n.gateway.SetApp(ctx, kind, values); err != nil {
			return fmt.Errorf("settings shared by %s accounts: %w", kind, err)
		}
	}
	var errs []error
	for _, a := range d.Accounts {
		draft := gateway.Draft{ID: a.ID, Channel: a.Channel, Name: a.Name, Handle: a.Handle, Queue: a.Queue, Settings: a.Settings}
		if err := n.once(ctx, "demo:"+string(a.ID), func() error { return n.demoAccount(ctx, draft) }); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", a.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (n *node) demoAccount(ctx context.Context, d gateway.Draft) error {
	if _, err := n.gateway.Get(ctx, d.ID); err == nil {
		return nil
	}
	_, err := n.gateway.Create(ctx, d)
	return err
}

// once does a thing once in the life of a store.
func (n *node) once(ctx context.Context, name string, do func() error) error {
	meta, mark := n.store.C(store.Meta), bson.D{{Key: "_id", Value: name}}
	var done struct{}
	if err := meta.One(ctx, mark, &done); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if err := meta.Insert(ctx, mark); err != nil && !store.IsDuplicate(err, "_id_") { // another node was as quick
		return err
	}
	return nil
}

// expand puts the environment in, so that a value can name what only the start knows. Quotes
// and control characters would break the file and are left out.
func expand(s string) string {
	return os.Expand(s, func(name string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == '"' || r == '\\' {
				return -1
			}
			return r
		}, os.Getenv(name))
	})
}
