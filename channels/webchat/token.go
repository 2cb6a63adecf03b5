package webchat

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	visitorFor = 180 * 24 * time.Hour // a visitor's token; an answered visit renews it
	userFor    = 7 * 24 * time.Hour   // a signed-in user's; the page vouches again at each visit
	renewAfter = 24 * time.Hour
)

// errToken is a token that does not hold.
var errToken = errors.New("webchat: the token does not hold")

// claims are what a token says: everything a message needs, so that none needs a read.
type claims struct {
	ID      string `json:"j"`
	Visitor string `json:"v"`           // ULID
	Sub     string `json:"s,omitempty"` // the signed-in user, as the site names them
	Was     bool   `json:"w,omitempty"` // the user was this visitor before
	Name    string `json:"n,omitempty"`
	Email   string `json:"m,omitempty"`
	Phone   string `json:"p,omitempty"`
	Locale  string `json:"l,omitempty"`
	Extra   string `json:"x,omitempty"` // further answers of the form, one per line
	Form    bool   `json:"f,omitempty"` // the form was filled in
	Issued  int64  `json:"i"`
	Expires int64  `json:"e"`
}

// verified reports whether the site vouches for the person.
func (c *claims) verified() bool { return c.Sub != "" }

// thread is where the person's messages go.
func (c *claims) thread() string {
	if c.Sub != "" {
		return userThread(c.Sub)
	}
	return "v-" + c.Visitor
}

// threads are all the person may see: their own, and what they wrote before they signed in.
func (c *claims) threads() []string {
	if c.Sub != "" && c.Was {
		return []string{c.thread(), "v-" + c.Visitor}
	}
	return []string{c.thread()}
}

// userThread hides the site's name for a user: thread ids are seen in logs and addresses.
func userThread(sub string) string {
	sum := sha256.Sum256([]byte(sub))
	return "u-" + hex.EncodeToString(sum[:16])
}

// peer is the person as an identity of the account.
func (c *claims) peer(a timeline.AccountID) timeline.Identity {
	if c.Sub != "" {
		return timeline.Identity{Account: a, Scheme: "user", Value: c.Sub, Proof: timeline.ProofSigned, Display: c.Name}
	}
	return visitorIdentity(a, c.Visitor, c.Name)
}

func visitorIdentity(a timeline.AccountID, visitor, name string) timeline.Identity {
	return timeline.Identity{Account: a, Scheme: "visitor", Value: visitor, Proof: timeline.ProofProvider, Display: name}
}

// links are further identities: vouched for by the site, or only claimed in a form.
func (c *claims) links() []timeline.Identity {
	proof := timeline.ProofNone
	if c.verified() {
		proof = timeline.ProofSigned
	}
	var out []timeline.Identity
	if c.Email != "" {
		out = append(out, timeline.Identity{Scheme: "email", Value: c.Email, Proof: proof, Display: c.Email})
	}
	if c.Phone != "" {
		out = append(out, timeline.Identity{Scheme: "tel", Value: c.Phone, Proof: proof, Display: c.Phone})
	}
	return out
}

// keys sign and check an account's tokens and file references.
type keys struct {
	now  []byte
	also [][]byte // before the secret was changed
}

func newKeys(a channels.Account) keys {
	k := keys{now: keyOf(a.Settings["tokenSecret"], a.ID)}
	if p := a.Previous["tokenSecret"]; p != "" {
		k.also = append(k.also, keyOf(p, a.ID))
	}
	return k
}

// keyOf binds a secret to its account: a token of one account means nothing to another.
func keyOf(secret string, a timeline.AccountID) []byte {
	return mac([]byte(secret), "parley webchat|"+string(a))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

var enc = base64.RawURLEncoding

func (k keys) sign(c claims) string {
	body, err := json.Marshal(c)
	if err != nil { // strings, numbers and booleans only
		panic(err)
	}
	text := enc.EncodeToString(body)
	return text + "." + enc.EncodeToString(mac(k.now, "token|"+text))
}

// open checks a token. It does no I/O.
func (k keys) open(token string, now time.Time) (*claims, error) {
	text, sig, ok := strings.Cut(token, ".")
	if !ok || !k.holds("token|"+text, sig) {
		return nil, errToken
	}
	body, err := enc.DecodeString(text)
	if err != nil {
		return nil, errToken
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil || c.Visitor == "" || now.Unix() >= c.Expires {
		return nil, errToken
	}
	return &c, nil
}

func (k keys) holds(text, sig string) bool {
	given, err := enc.DecodeString(sig)
	if err != nil {
		return false
	}
	good := hmac.Equal(given, mac(k.now, text))
	for _, also := range k.also {
		good = hmac.Equal(given, mac(also, text)) || good
	}
	return good
}

// fileMac is how much of a signature a file reference carries, in bytes.
const fileMac = 18

// file names a file for one thread: the reference works for nobody else.
func (k keys) file(t string, id timeline.FileID) timeline.FileID {
	return id + "~" + timeline.FileID(enc.EncodeToString(mac(k.now, "file|"+t+"|"+string(id))[:fileMac]))
}

// cutFile reads a file reference of one of the threads.
func (k keys) cutFile(threads []string, ref string) (timeline.FileID, bool) {
	id, sig, ok := strings.Cut(ref, "~")
	given, err := enc.DecodeString(sig)
	if !ok || err != nil || len(given) != fileMac {
		return "", false
	}
	for _, t := range threads {
		for _, key := range append([][]byte{k.now}, k.also...) {
			if hmac.Equal(given, mac(key, "file|"+t+"|"+id)[:fileMac]) {
				return timeline.FileID(id), true
			}
		}
	}
	return "", false
}

// draw makes an id for a token.
func draw() string {
	b := make([]byte, 9)
	_, _ = rand.Read(b) // never fails; see crypto/rand
	return enc.EncodeToString(b)
}

// revoked are tokens that were given up by signing out. Kept until they end by themselves.
type revoked struct {
	mu sync.RWMutex
	m  map[string]int64 // id → end
}

func (r *revoked) add(c *claims, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = map[string]int64{}
	}
	for id, end := range r.m {
		if end <= now.Unix() {
			delete(r.m, id)
		}
	}
	r.m[c.ID] = c.Expires
}

func (r *revoked) has(c *claims) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.m[c.ID]
	return ok
}

// auth reads the token of a call.
func (s *Session) auth(token string) (*claims, error) {
	c, err := s.keys.open(token, s.host.Now())
	if err != nil {
		return nil, err
	}
	if s.revoked.has(c) || s.set.requireIdentity && !c.verified() {
		return nil, errToken
	}
	return c, nil
}
