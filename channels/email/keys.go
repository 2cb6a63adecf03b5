package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	minKey     = 32 // bytes of the secret
	shortBytes = 10 // of hashes and MACs in ids: 80 bits, 16 letters
	maxLocal   = 64 // octets of a local part (RFC 5321 §4.5.3.1.1)
)

// letters survive every mail program: no case, no signs.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// keyring signs what leaves in ids and addresses, so that only who got a mail of ours can name
// its thread. The first key signs; a rotated one still verifies.
type keyring struct {
	account timeline.AccountID
	keys    [][]byte
}

func newKeyring(a channels.Account) (keyring, error) {
	k := keyring{account: a.ID}
	if err := checkKey(a.Settings["macKey"]); err != nil {
		return k, fmt.Errorf("macKey: %w", err)
	}
	for _, v := range []string{a.Settings["macKey"], a.Previous["macKey"]} {
		if v != "" {
			k.keys = append(k.keys, []byte(v))
		}
	}
	return k, nil
}

func checkKey(v string) error {
	if len(v) < minKey {
		return fmt.Errorf("Use %d characters or more.", minKey) //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func (k keyring) mac(key []byte, what ...string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(string(k.account) + "\x00" + strings.Join(what, "\x00")))
	return letters.EncodeToString(h.Sum(nil)[:shortBytes])
}

func (k keyring) valid(mac string, what ...string) bool {
	for _, key := range k.keys {
		if hmac.Equal([]byte(mac), []byte(k.mac(key, what...))) {
			return true
		}
	}
	return false
}

// messageID names the step of a thread: <p.thread.step.mac@domain>, without the brackets. The
// same step has the same id at any time, so that a repeat can be recognised.
func (k keyring) messageID(thread, step, domain string) string {
	n := short("step", string(k.account), step)
	return "p." + thread + "." + n + "." + k.mac(k.keys[0], "id", thread, n) + "@" + domain
}

// thread is the thread that a Message-ID of ours names; ok is false for any other.
func (k keyring) thread(messageID string) (thread string, ok bool) {
	local, _, _ := strings.Cut(strings.ToLower(messageID), "@")
	f := strings.Split(local, ".")
	if len(f) != 4 || f[0] != "p" || !k.valid(f[3], "id", f[1], f[2]) {
		return "", false
	}
	return f[1], true
}

// plus is the address that names a thread: support+c.thread.mac@domain. ok is false where it
// would be longer than addresses may be.
func (k keyring) plus(address, thread string) (string, bool) {
	local, domain, ok := cutAddress(address)
	local += "+c." + thread + "." + k.mac(k.keys[0], "to", thread)
	return local + "@" + domain, ok && len(local) <= maxLocal
}

// plusThread is the thread that an address names.
func (k keyring) plusThread(address string) (thread string, ok bool) {
	local, _, _ := cutAddress(strings.ToLower(address))
	_, tag, found := strings.Cut(local, "+")
	f := strings.Split(tag, ".")
	if !found || len(f) != 3 || f[0] != "c" || !k.valid(f[2], "to", f[1]) {
		return "", false
	}
	return f[1], true
}

// loop marks what this inbox sends, to be known again when it comes back.
func (k keyring) loop() string { return k.mac(k.keys[0], "loop") }

func (k keyring) looped(v string) bool { return k.valid(strings.TrimSpace(v), "loop") }

// short is a hash of 80 bits in letters that any program keeps.
func short(what ...string) string {
	h := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	return letters.EncodeToString(h[:shortBytes])
}
