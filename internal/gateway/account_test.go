package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

func TestCreateNamesTheField(t *testing.T) {
	w := newWorld(t, &toy{})
	cases := []struct {
		name, field string
		draft       Draft
	}{
		{"channel_unknown", "channel", Draft{Channel: "fax"}},
		{"secret_missing", "token", Draft{Channel: "toy"}},
		{"not_an_address", "url", Draft{Channel: "toy", Settings: map[string]string{"token": canary, "url": "javascript:alert(1)"}}},
		{"setting_unknown", "colour", Draft{Channel: "toy", Settings: map[string]string{"token": canary, "colour": "red"}}},
		{"id_bad", "id", Draft{ID: "../x", Channel: "toy", Settings: map[string]string{"token": canary}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.g.Create(t.Context(), c.draft)
			var bad *Invalid
			if !errors.As(err, &bad) || len(bad.Fields) != 1 || bad.Fields[0].Field != c.field || bad.Fields[0].Text == "" {
				t.Fatalf("err = %v, want the field %q", err, c.field)
			}
			if strings.Contains(err.Error(), canary) {
				t.Error("the error shows a secret")
			}
		})
	}
}

func TestOpenRefusesWithoutShowingSecrets(t *testing.T) {
	w := newWorld(t, &toy{openErr: func(a channels.Account) error { return fmt.Errorf("token %s is too old", a.Settings["token"]) }})
	_, err := w.g.Create(t.Context(), Draft{Channel: "toy", Settings: map[string]string{"token": canary}})
	var bad *Invalid
	if !errors.As(err, &bad) || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "too old") {
		t.Fatalf("err = %v", err)
	}
}

func TestSecretsAreSealedAndMasked(t *testing.T) {
	w := newWorld(t, &toy{})
	a := w.account("a")
	if b, err := json.Marshal(a); err != nil || strings.Contains(string(b), canary) || !a.Secrets["token"] || !a.Secrets["key"] {
		t.Fatalf("%s %v", b, err)
	}
	err := w.store.C(store.Accounts).Each(t.Context(), bson.D{}, func(raw bson.Raw) error {
		if strings.Contains(string(raw), canary) {
			t.Error("the store holds a secret in the open")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.g.live("a").account.Settings["token"]; got != canary {
		t.Errorf("the session gets %q", got)
	}
	if key := w.g.live("a").account.Settings["key"]; len(key) != 43 {
		t.Errorf("generated secret has %d characters", len(key))
	}
}

func TestUpdateOpensAnewAndKeepsRotatedSecrets(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	before := w.g.live("a")
	name := "Shop"
	if _, err := w.g.Update(t.Context(), "a", Change{Name: &name, Settings: map[string]string{"token": "", "url": "https://new.example"}}); err != nil {
		t.Fatal(err)
	}
	now := w.g.live("a")
	if now == before || now.account.Settings["token"] != canary || now.account.Settings["url"] != "https://new.example" || now.account.Name != name {
		t.Fatalf("%+v", now.account.Name)
	}
	if now.account.Settings["key"] != before.account.Settings["key"] {
		t.Error("a generated secret was drawn again")
	}
	if _, err := w.g.Update(t.Context(), "a", Change{Settings: map[string]string{"token": "another-token"}}); err != nil {
		t.Fatal(err)
	}
	if a := w.g.live("a").account; a.Settings["token"] != "another-token" || a.Previous["token"] != canary {
		t.Error("the rotated secret no longer verifies")
	}
	eventually(t, "old sessions are closed", func() bool { return w.toy.closed.Load() == w.toy.opened.Load()-1 })
}

func TestOtherNodesFollow(t *testing.T) {
	w := newWorld(t, &toy{})
	b := w.gateway("node-b")
	defer func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	w.account("a")
	eventually(t, "node b opens the account", func() bool { return b.live("a") != nil })
	if err := w.g.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "node b closes the account", func() bool { return b.live("a") == nil })
	if err := w.g.Remove(t.Context(), "a"); !errors.Is(err, ErrNoAccount) {
		t.Errorf("removing twice: %v", err)
	}
}

func TestAccountThatDoesNotOpenIsRed(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.account("b")
	ty.openErr = func(a channels.Account) error {
		if a.ID == "a" {
			panic("boom " + canary)
		}
		return nil
	}
	g := w.gateway("node-b")
	defer g.Close(context.WithoutCancel(t.Context()))
	as, err := g.List(t.Context())
	if err != nil || len(as) != 2 {
		t.Fatal(as, err)
	}
	if as[0].Health.State != channels.Red || as[0].Health.Reason == "" || as[0].Health.Next == "" || as[1].Health.State != channels.Green {
		t.Errorf("%+v", as)
	}
}

func TestHealthIsTheWorst(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	h := w.g.live("a").host
	h.Health(channels.Health{State: channels.Amber, Reason: "slow"})
	if a, err := w.g.Get(t.Context(), "a"); err != nil || a.Health.State != channels.Amber || a.Health.Reason != "slow" || a.Health.Since.IsZero() {
		t.Errorf("%+v %v", a.Health, err)
	}
	w.g.live("a").health.hub(channels.Health{State: channels.Red, Reason: "cut off"})
	h.Health(channels.Health{State: channels.Green})
	if a, _ := w.g.Get(t.Context(), "a"); a.Health.State != channels.Red {
		t.Errorf("%+v", a.Health)
	}
	eventually(t, "the light is in the store", func() bool {
		r, err := w.g.read(t.Context(), "a")
		return err == nil && r.Health.State == channels.Red
	})
}

func TestEmit(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	h := w.g.live("a").host
	if err := h.Emit(t.Context(), said("b", "t", "x")); err == nil {
		t.Error("an account emitted for another")
	}
	if err := h.Emit(t.Context(), timeline.Inbound{}); err == nil {
		t.Error("an event without id was taken")
	}
	if err := h.Emit(t.Context(), said("a", "t", "x")); err != nil {
		t.Fatal(err)
	}
	got := w.inbound()[0]
	if got.Channel != "toy" || got.Queue != "support" || got.Event.Received.IsZero() || got.Event.At.IsZero() {
		t.Errorf("%+v", got)
	}
	w.broker(true)
	if err := h.Emit(t.Context(), said("a", "t", "y")); err == nil {
		t.Error("a lost event was reported as taken")
	}
}

func TestAppSettings(t *testing.T) {
	w := newWorld(t, &toy{})
	if err := w.g.SetApp(t.Context(), "toy", nil); err == nil {
		t.Error("a needed secret is missing")
	}
	if err := w.g.SetApp(t.Context(), "toy", map[string]string{"appSecret": canary}); err != nil {
		t.Fatal(err)
	}
	if err := w.g.SetApp(t.Context(), "toy", map[string]string{"appSecret": ""}); err != nil {
		t.Fatal("an empty secret must stay as it is:", err)
	}
	_, secrets, err := w.g.App(t.Context(), "toy")
	if err != nil || !secrets["appSecret"] {
		t.Fatal(secrets, err)
	}
}

func TestRemovingForgetsWhatWasKeptForTheAccount(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	w.account("b")
	for _, id := range []timeline.AccountID{"a", "b"} {
		if err := w.g.live(id).host.Notes().Put(t.Context(), map[string][]byte{"k1": []byte("v"), "k2": []byte("v")}); err != nil {
			t.Fatal(err)
		}
	}
	kept := w.g.live("b").host.Notes()
	if err := w.g.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	n, err := w.store.C(store.Notes).Count(t.Context(), bson.D{})
	got, err2 := kept.Get(t.Context(), "k1", "k2")
	if err != nil || err2 != nil || n != 2 || len(got) != 2 {
		t.Errorf("%d notes stay, %d of the other account, %v %v", n, len(got), err, err2)
	}
}
