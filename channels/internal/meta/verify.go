package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/parley-hub/parley/channels"
)

// SignatureHeader carries the signature of a callback.
const SignatureHeader = "X-Hub-Signature-256"

// signaturePrefix names the only digest that is accepted; the older SHA-1 header is not read.
const signaturePrefix = "sha256="

// Secrets are the secrets in settings: one per line, so that an old one can stay beside the
// new while the far side changes over.
func Secrets(values ...string) []string {
	var out []string
	for _, v := range values {
		for s := range strings.Lines(v) {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// Verify checks the signature over the raw bytes of a body in constant time: every secret is
// tried whatever the others said. Without any secret nothing is accepted: the answer is a
// *channels.Problem of status 503, so that the far side tries again once one is set.
func Verify(h http.Header, body []byte, secrets []string) error {
	if len(secrets) == 0 {
		return &channels.Problem{Status: http.StatusServiceUnavailable, Title: "Callbacks cannot be verified yet",
			Detail: "Set the app secret in the channel's app settings."}
	}
	given := []byte(h.Get(SignatureHeader))
	ok := 0
	for _, s := range secrets {
		ok |= subtle.ConstantTimeCompare(given, []byte(Sign(s, body)))
	}
	if ok != 1 {
		return channels.ErrForged
	}
	return nil
}

// Sign is the signature of a body as the header carries it: lower-case hexadecimal.
func Sign(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	out := make([]byte, len(signaturePrefix), len(signaturePrefix)+2*sha256.Size)
	copy(out, signaturePrefix)
	return string(hex.AppendEncode(out, m.Sum(nil)))
}

// Proof is the appsecret_proof of a token: it shows that who holds the token holds the app's
// secret too.
func Proof(secret, token string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(token))
	return hex.EncodeToString(m.Sum(nil))
}

// Challenge answers the handshake with which a callback address is set up: the bare challenge
// where mode and token are right, else 403. Query names hold dots (hub.mode).
func Challenge(c channels.Callback, token string) (channels.Answer, error) {
	given, want := one(c, "hub.verify_token"), strings.TrimSpace(token)
	same := subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
	if want == "" || !same || one(c, "hub.mode") != "subscribe" || one(c, "hub.challenge") == "" {
		return channels.Answer{}, &channels.Problem{Status: http.StatusForbidden, Title: "The address was not confirmed",
			Detail: "Use the mode subscribe and the verify token of the channel's app settings."}
	}
	return channels.Answer{Status: http.StatusOK, Type: "text/plain; charset=utf-8", Body: []byte(one(c, "hub.challenge"))}, nil
}

func one(c channels.Callback, name string) string {
	if v := c.Query[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}
