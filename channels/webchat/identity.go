package webchat

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-hub/parley/channels"
)

const (
	leeway  = time.Minute // between the site's clock and ours
	maxSub  = 200         // bytes
	minBits = 2048        // of an RSA key
)

// errIdentity is a user's token that does not hold. It never says what would.
var errIdentity = errors.New("webchat: the identity does not hold")

// identities checks the tokens with which a site vouches for its users.
type identities struct {
	account string
	secrets [][]byte
	key     *rsa.PublicKey
	now     func() time.Time
}

type user struct {
	jwt.RegisteredClaims
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

func newIdentities(a channels.Account, now func() time.Time) (identities, error) {
	i := identities{account: string(a.ID), now: now}
	for _, s := range []string{a.Settings["identitySecret"], a.Previous["identitySecret"]} {
		if s != "" {
			i.secrets = append(i.secrets, []byte(s))
		}
	}
	if pem := a.Settings["identityKey"]; pem != "" {
		k, err := readKey(pem)
		if err != nil {
			return i, fmt.Errorf("identityKey: %w", err)
		}
		i.key = k
	}
	return i, nil
}

func (i identities) any() bool { return len(i.secrets) > 0 || i.key != nil }

func readKey(pem string) (*rsa.PublicKey, error) {
	k, err := jwt.ParseRSAPublicKeyFromPEM([]byte(pem))
	if err != nil || k.N.BitLen() < minBits {
		return nil, errors.New("Enter an RSA public key of 2048 bits or more in PEM.") //nolint:staticcheck // shown to people
	}
	return k, nil
}

func checkKey(v string) error { _, err := readKey(v); return err }

// verify reads a user's token. Which algorithm is allowed follows from what is configured,
// never from the token.
func (i identities) verify(token string) (*user, error) {
	for _, s := range i.secrets {
		if u, err := i.parse(token, "HS256", s); err == nil {
			return u, nil
		}
	}
	if i.key != nil {
		if u, err := i.parse(token, "RS256", i.key); err == nil {
			return u, nil
		}
	}
	return nil, errIdentity
}

func (i identities) parse(token, alg string, key any) (*user, error) {
	var u user
	_, err := jwt.ParseWithClaims(token, &u, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{alg}), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(i.now), jwt.WithIssuedAt())
	if err != nil {
		return nil, errIdentity
	}
	u.Subject = strings.TrimSpace(u.Subject)
	if u.Subject == "" || len(u.Subject) > maxSub || strings.ContainsRune(u.Subject, 0) {
		return nil, errIdentity
	}
	if len(u.Audience) > 0 && !slices.Contains(u.Audience, i.account) {
		return nil, errIdentity
	}
	u.Name, u.Email, u.Phone = cut(u.Name, fieldMax), normalEmail(u.Email), normalTel(u.Phone)
	return &u, nil
}

// normalEmail makes equal addresses equal; what is no address is empty.
func normalEmail(v string) string {
	a, err := mail.ParseAddress(strings.TrimSpace(v))
	if err != nil || len(a.Address) > fieldMax {
		return ""
	}
	return strings.ToLower(a.Address)
}

// normalTel keeps the digits of an international number; what is none is empty.
func normalTel(v string) string {
	v = strings.TrimSpace(v)
	if !telShape.MatchString(v) || !strings.HasPrefix(v, "+") {
		return ""
	}
	return "+" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, v)
}

// cut shortens to n runes and takes out what cannot be shown.
func cut(v string, n int) string {
	v = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(v), ""))
	if rs := []rune(v); len(rs) > n {
		return string(rs[:n])
	}
	return v
}
