package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password hash: OWASP's second choice for argon2id, about 40 ms a core.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes
)

// Lengths of a password. Longer ones only cost time.
const (
	MinPassword = 10  // runes
	MaxPassword = 256 // bytes
)

// hashers bounds how many hashes are computed at once, so that sign-ins neither stall the
// process nor take its memory.
type hashers chan struct{}

func newHashers(n int) hashers { return make(hashers, n) }

// do runs f when there is room; ErrBusy where ctx ends first.
func (h hashers) do(ctx context.Context, f func()) error {
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
		f()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

// hash makes the stored form of a password: $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (h hashers) hash(ctx context.Context, password string) (string, error) {
	salt := random(argonSalt)
	var key []byte
	err := h.do(ctx, func() {
		key = argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	})
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// decoy is verified where an account has no password or does not exist, so that the answer
// takes as long.
var decoy = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
	base64.RawStdEncoding.EncodeToString(make([]byte, argonSalt)), base64.RawStdEncoding.EncodeToString(make([]byte, argonKey)))

// verify compares a password with its stored form, in time that does not depend on either.
func (h hashers) verify(ctx context.Context, stored, password string) (bool, error) {
	real := stored != ""
	if !real {
		stored = decoy
	}
	p, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	var same bool
	err = h.do(ctx, func() {
		key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
		same = subtle.ConstantTimeCompare(key, p.key) == 1
	})
	return same && real, err
}

type parsedHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parseHash(stored string) (parsedHash, error) {
	var p parsedHash
	var version int
	fields := strings.Split(stored, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return p, errors.New("auth: stored password has an unknown form")
	}
	if _, err := fmt.Sscanf(fields[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, errors.New("auth: stored password has an unknown version")
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, fmt.Errorf("auth: stored password's cost: %w", err)
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(fields[4]); err != nil {
		return p, fmt.Errorf("auth: stored password's salt: %w", err)
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(fields[5]); err != nil {
		return p, fmt.Errorf("auth: stored password: %w", err)
	}
	return p, nil
}

// CheckPassword says what is wrong with a new password, in words for the person.
func CheckPassword(password, email, name string) error {
	low := strings.ToLower(password)
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Errorf("use at least %d characters", MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("use at most %d characters", MaxPassword)
	case len(local) > 3 && strings.Contains(low, local):
		return errors.New("do not use your e-mail address in it")
	case strings.Count(low, low[:1]) == len(low):
		return errors.New("use more than one character")
	case common[low]:
		return errors.New("this one is among the first that are tried; choose another")
	}
	return nil
}

// common are long enough passwords that every guesser tries first.
var common = map[string]bool{"1234567890": true, "0123456789": true, "password123": true, "password1234": true,
	"passw0rd123": true, "qwertyuiop": true, "qwerty12345": true, "1q2w3e4r5t": true, "iloveyou123": true,
	"administrator": true, "letmein1234": true, "welcome123": true, "changeme123": true, "12345678910": true}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

// newSecret is 256 random bits as text.
func newSecret() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

// digest is what is kept of a secret that is random already.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
