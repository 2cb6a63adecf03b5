// Package igfixtures runs recorded callbacks of Instagram through the channel and counts what
// became of them.
package igfixtures

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/instagram"
	"github.com/parley-hub/parley/timeline"
)

// signatures is the file of a folder that names its bodies and their signatures, after a line
// with the secret.
const signatures = "SIGNATURES.tsv"

// secretMark comes before the secret in the first line of the signatures.
const secretMark = "app secret:"

// Sample is one recorded callback.
type Sample struct {
	Name      string
	Body      []byte
	Signature string // the header's value
}

// Read reads a folder's callbacks and the secret that they are signed with.
func Read(dir string) (samples []Sample, secret string, err error) {
	f, err := os.ReadFile(filepath.Join(dir, signatures))
	if err != nil {
		return nil, "", fmt.Errorf("reading recorded callbacks: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(f)); lines.Scan(); {
		line := lines.Text()
		if _, after, ok := strings.Cut(line, secretMark); ok {
			secret = strings.TrimSpace(strings.Split(after, ";")[0])
			continue
		}
		name, signature, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, "", fmt.Errorf("reading a recorded callback: %w", err)
		}
		samples = append(samples, Sample{name, body, strings.TrimSpace(signature)})
	}
	if secret == "" || len(samples) == 0 {
		return nil, "", errors.New("the folder names no secret or no callbacks")
	}
	return samples, secret, nil
}

// Callback is the sample as it comes in.
func (s Sample) Callback() channels.Callback {
	return channels.Callback{Method: http.MethodPost, Header: http.Header{"X-Hub-Signature-256": {s.Signature}}, Body: s.Body}
}

// Fixtures sends every callback of a folder in by the door of all accounts, and on to each
// account it names. visible counts those that became at least one event, dropped those with an
// update that became none.
func Fixtures(dir string) (visible, dropped int, err error) {
	samples, secret, err := Read(dir)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range samples {
		in, lost, err := Run(s.Callback(), map[string]string{"appSecret": secret})
		if err != nil {
			return visible, dropped, fmt.Errorf("%s: %w", s.Name, err)
		}
		if len(in) > 0 {
			visible++
		}
		if lost > 0 || len(in) == 0 {
			dropped++
		}
	}
	return visible, dropped, nil
}

// account is the hub's id of the account under test.
const account timeline.AccountID = "recorded"

// quiet is all that Decode uses of a hub.
type quiet struct{ channels.Host }

// Log says nothing.
func (quiet) Log() *slog.Logger { return slog.New(slog.DiscardHandler) }

// testAccount is whom the far side's own tests are shown to.
const testAccount = "17841405726653026"

// Run takes a callback through Split and Decode with an account for each slice. lost counts
// slices that became nothing.
func Run(c channels.Callback, app map[string]string) (in []timeline.Inbound, lost int, err error) {
	slices, _, err := instagram.Channel.Split(app, c)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range slices {
		handle := s.Account
		if handle == "" {
			handle = testAccount
		}
		a := channels.Account{ID: account, Handle: handle, App: app,
			Settings: map[string]string{"flavour": "instagram", "id": string(handle), "accessToken": "recorded"}}
		session, err := instagram.Channel.Open(a, quiet{})
		if err != nil {
			return nil, 0, err
		}
		s.Verified = true
		got, _, err := session.(channels.Decoder).Decode(s.Callback)
		if err = errors.Join(err, session.Close()); err != nil {
			return nil, 0, err
		}
		if len(got) == 0 {
			lost++
		}
		in = append(in, got...)
	}
	return in, lost, nil
}
