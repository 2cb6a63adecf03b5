// Package seal keeps secrets unreadable at rest.
//
// A secret is sealed with XChaCha20-Poly1305 under a key from the environment or from a
// file that only its owner may read. The sealed form names its key, so that keys can be
// changed: put the new key first, keep the old one behind it until everything was sealed
// anew. What a secret belongs to is bound to it: a sealed value moved to another account
// or another field does not open.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a key in bytes.
const KeySize = chacha20poly1305.KeySize

// version is the first field of every sealed value.
const version = "s1"

// The errors callers act on. They never hold the value or the key.
var (
	ErrKey    = errors.New("seal: sealed with a key this process does not have")
	ErrBroken = errors.New("seal: the sealed value was changed or belongs elsewhere")
)

type key struct {
	id   string
	raw  []byte
	aead cipher.AEAD
}

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	keys map[string]key
	now  key // seals
}

// New makes a box. The first key seals; the others only open.
func New(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no key")
	}
	b := &Box{keys: map[string]key{}}
	for i, raw := range keys {
		aead, err := chacha20poly1305.NewX(raw)
		if err != nil {
			return nil, fmt.Errorf("seal: key %d has %d bytes, wants %d", i+1, len(raw), KeySize)
		}
		sum := sha256.Sum256(append([]byte("parley key id\x00"), raw...))
		k := key{id: hex.EncodeToString(sum[:4]), raw: append([]byte(nil), raw...), aead: aead}
		b.keys[k.id] = k
		if i == 0 {
			b.now = k
		}
	}
	return b, nil
}

// Seal hides plain. of says what it belongs to, such as "account/01J…/token", and must be
// the same when it is opened.
func (b *Box) Seal(plain Secret, of string) (string, error) {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("seal: drawing a nonce: %w", err)
	}
	sealed := b.now.aead.Seal(nonce, nonce, []byte(plain), []byte(of))
	return strings.Join([]string{version, b.now.id, base64.RawURLEncoding.EncodeToString(sealed)}, "."), nil
}

// Open reads a sealed value.
func (b *Box) Open(sealed, of string) (Secret, error) {
	k, body, err := b.cut(sealed)
	if err != nil {
		return "", err
	}
	if len(body) < chacha20poly1305.NonceSizeX {
		return "", ErrBroken
	}
	plain, err := k.aead.Open(nil, body[:chacha20poly1305.NonceSizeX], body[chacha20poly1305.NonceSizeX:], []byte(of))
	if err != nil {
		return "", ErrBroken
	}
	return Secret(plain), nil
}

// Stale reports whether a value was sealed with another key than the present one.
func (b *Box) Stale(sealed string) bool {
	k, _, err := b.cut(sealed)
	return err != nil || k.id != b.now.id
}

// Derive makes a key for one purpose, such as signing links: the same on every node that
// has the same present key.
func (b *Box) Derive(purpose string) []byte {
	out, err := hkdf.Key(sha256.New, b.now.raw, nil, "parley "+purpose, KeySize)
	if err != nil { // only for absurd lengths
		panic(fmt.Sprintf("seal: deriving: %v", err))
	}
	return out
}

func (b *Box) cut(sealed string) (key, []byte, error) {
	f := strings.Split(sealed, ".")
	if len(f) != 3 || f[0] != version {
		return key{}, nil, ErrBroken
	}
	k, ok := b.keys[f[1]]
	if !ok {
		return key{}, nil, ErrKey
	}
	body, err := base64.RawURLEncoding.DecodeString(f[2])
	if err != nil {
		return key{}, nil, ErrBroken
	}
	return k, body, nil
}
