package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/internal/seal"
)

// secretPrefix begins every secret, and secretBytes is how much chance is in it: Standard
// Webhooks, "Signature scheme", asks for 24 to 64 bytes.
const (
	secretPrefix = "whsec_"
	secretBytes  = 32
)

// newSecret draws a secret.
func newSecret() (seal.Secret, error) {
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("webhooks: drawing a secret: %w", err)
	}
	return seal.Secret(secretPrefix + base64.StdEncoding.EncodeToString(raw)), nil
}

// Sign is the value of the header webhook-signature: one signature for each secret, the present
// one first, separated by spaces. Each is HMAC-SHA256 over "id.timestamp.body".
func Sign(id string, at time.Time, body []byte, secrets ...seal.Secret) (string, error) {
	list := make([]string, 0, len(secrets))
	for _, s := range secrets {
		text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			return "", errors.New("webhooks: a secret is not whsec_ and base64")
		}
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + ".")) // never fails
		_, _ = mac.Write(body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(list, " "), nil
}
