package timeline

import "time"

// Proof is how far somebody vouches for an identity.
type Proof string

// The proofs, weakest first. Only ProofProvider and ProofSigned link persons by themselves.
const (
	ProofNone     Proof = ""         // claimed: a From header without DMARC, a pre-chat form
	ProofProvider Proof = "provider" // the provider asserts it
	ProofSigned   Proof = "signed"   // a valid signature: JWT, aligned DKIM
	ProofAgent    Proof = "agent"    // one of us checked it
)

// Verified reports whether the proof is strong enough to link persons.
func (p Proof) Verified() bool { return p == ProofProvider || p == ProofSigned || p == ProofAgent }

// Identity is one address of one person. Account is empty for schemes that mean the same
// everywhere, such as "email" and "tel". Value is opaque outside its adapter, except that
// adapters normalise it: equal identities have equal values.
type Identity struct {
	Account AccountID `json:"account,omitempty"`
	Scheme  string    `json:"scheme"` // igsid, psid, email, tel, visitor, user …
	Value   string    `json:"value"`
	Proof   Proof     `json:"proof,omitempty"`
	Display string    `json:"display,omitempty"` // as people read it: @maya.hikes
}

// ID is the identity's key: equal for equal identities. An identity without value has none.
func (i Identity) ID() IdentityID {
	if i.Value == "" {
		return ""
	}
	return IdentityID(string(i.Account) + "|" + i.Scheme + "|" + i.Value)
}

// Profile is what the far side tells about a person. Empty fields say nothing.
type Profile struct {
	Name     string            `json:"name,omitempty"`
	Username string            `json:"username,omitempty"`
	Avatar   string            `json:"avatar,omitempty"`
	Locale   string            `json:"locale,omitempty"`
	TimeZone string            `json:"timeZone,omitempty"`
	Extra    map[string]string `json:"extra,omitempty"`
}

// Person is somebody we talk with.
type Person struct {
	ID         PersonID          `json:"id" bson:"_id"`
	Name       string            `json:"name"`
	Named      bool              `json:"named,omitempty"` // one of us gave the name: no profile replaces it
	Profile    Profile           `json:"profile,omitzero"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Note       string            `json:"note,omitempty"`
	MergedInto PersonID          `json:"mergedInto,omitempty"` // follow one hop
	Erased     *time.Time        `json:"erased,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
	LastAt     time.Time         `json:"lastAt"`
}

// Known is an identity as the store keeps it: whose it is.
type Known struct {
	ID       IdentityID `json:"id" bson:"_id"`
	Identity Identity   `json:"identity"`
	Person   PersonID   `json:"person"`
	FirstAt  time.Time  `json:"firstAt"`
	LastAt   time.Time  `json:"lastAt"`
}

// Evidence is one reason to think that two persons are one: what is the same, and how it
// is known.
type Evidence struct {
	Kind  string  `json:"kind"`            // what is the same: a scheme such as email or tel, or name, username, avatar
	How   string  `json:"how"`             // linked, said, profile, alike, agent, undone, shared
	Value string  `json:"value,omitempty"` // the address, number or name
	Event EventID `json:"event,omitempty"` // where it was said
}
