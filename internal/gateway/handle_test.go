package gateway

import (
	"slices"
	"testing"

	"github.com/parley-hub/parley/channels"
)

// An account is found by the setting that is the far side's name for it, also after it changed.
func TestHandleIsASetting(t *testing.T) {
	w := newWorld(t, &toy{})
	c := *w.g.kinds["toy"]
	c.Settings = append(slices.Clone(c.Settings), channels.Setting{Name: "site", Kind: "text", Optional: true, Handle: true, Label: map[string]string{"en": "Site"}})
	w.g.kinds["toy"] = &c
	a, err := w.g.Create(t.Context(), Draft{Channel: "toy", Settings: map[string]string{"token": canary, "site": "4711"}})
	if err != nil || a.Handle != "4711" || w.g.open.Load().byHandle["toy|4711"] == nil {
		t.Fatalf("%q %v", a.Handle, err)
	}
	a, err = w.g.Update(t.Context(), a.ID, Change{Settings: map[string]string{"site": "4712"}})
	if err != nil || a.Handle != "4712" || w.g.open.Load().byHandle["toy|4711"] != nil {
		t.Fatalf("%q %v", a.Handle, err)
	}
	b, err := w.g.Create(t.Context(), Draft{Channel: "toy", Handle: "given", Settings: map[string]string{"token": canary}})
	if err != nil || b.Handle != "given" {
		t.Fatalf("%q %v", b.Handle, err)
	}
}
