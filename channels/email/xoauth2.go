package email

import (
	"errors"

	"github.com/emersion/go-sasl"
)

// xoauth2 is the SASL mechanism by which Google and Microsoft take an access token for mail. A
// refusal comes as a challenge that says why; it is answered with an empty line, and only then
// does the server say no.
type xoauth2 struct {
	user, token string
	said        string // why it was refused
}

var _ sasl.Client = (*xoauth2)(nil)

// Start sends user and token at once.
func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next is called with the reason of a refusal.
func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	if x.said != "" {
		return nil, errors.New("email: the server asks twice in XOAUTH2")
	}
	x.said = "XOAUTH2: " + string(challenge)
	return []byte{}, nil
}
