package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const canary = "canary-7f3a-token"

func box(t *testing.T, fill ...byte) *Box {
	t.Helper()
	var keys [][]byte
	for _, f := range fill {
		keys = append(keys, bytes.Repeat([]byte{f}, KeySize))
	}
	b, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealOpen(t *testing.T) {
	old, rotated, other := box(t, 1), box(t, 2, 1), box(t, 3)
	sealed, err := old.Seal(canary, "account/a/token")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, canary) {
		t.Fatal("the sealed form shows the secret")
	}
	broken := sealed[:len(sealed)-2] + "AA"
	cases := []struct {
		name   string
		box    *Box
		sealed string
		of     string
		err    error
	}{
		{"same_key", old, sealed, "account/a/token", nil},
		{"rotated_key_still_opens", rotated, sealed, "account/a/token", nil},
		{"key_gone", other, sealed, "account/a/token", ErrKey},
		{"moved_to_another_account", old, sealed, "account/b/token", ErrBroken},
		{"changed", old, broken, "account/a/token", ErrBroken},
		{"not_sealed", old, "hello", "account/a/token", ErrBroken},
		{"too_short", old, version + "." + old.now.id + ".AAAA", "account/a/token", ErrBroken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.box.Open(c.sealed, c.of)
			if !errors.Is(err, c.err) || (c.err == nil && got.Reveal() != canary) {
				t.Fatalf("err = %v, want %v", err, c.err)
			}
		})
	}
	if old.Stale(sealed) || !rotated.Stale(sealed) {
		t.Error("Stale must tell the present key from an older one")
	}
	twice, err := old.Seal(canary, "account/a/token")
	if err != nil || twice == sealed {
		t.Error("the same secret sealed twice looks the same")
	}
}

func TestSecretHidesItself(t *testing.T) {
	s := Secret(canary)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", s, "in", struct{ T Secret }{s})
	j, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{log.String(), string(j), fmt.Sprint(s), fmt.Sprintf("%#v %+v %q %s", s, struct{ S Secret }{s}, s, s)} {
		if strings.Contains(out, canary) {
			t.Errorf("shows the secret: %s", out)
		}
	}
}

func TestLoad(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, KeySize))
	cases := []struct {
		name, env string
		ok        bool
	}{
		{"base64", b64, true},
		{"base64_url_without_padding", strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(b64), "="), true},
		{"hex", strings.Repeat("ab", KeySize), true},
		{"two_keys", b64 + ", " + strings.Repeat("ab", KeySize), true},
		{"short", canary, false},
		{"empty_second", b64 + ",", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.env, t.TempDir())
			if (err == nil) != c.ok {
				t.Fatalf("err = %v", err)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Error("the error shows the key")
			}
		})
	}
}

func TestKeyFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	derived := make([]string, 8)
	for i := range derived {
		wg.Go(func() {
			b, err := Load("", dir)
			if err != nil {
				t.Error(err)
				return
			}
			derived[i] = string(b.Derive("links"))
		})
	}
	wg.Wait()
	for _, d := range derived {
		if d != derived[0] {
			t.Fatal("processes that start together must end with one key")
		}
	}
	st, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, err %v", st.Mode(), err)
	}
	if err := os.Chmod(filepath.Join(dir, KeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("", dir); err == nil {
		t.Error("a key file that others may read was accepted")
	}
}
