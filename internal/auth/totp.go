package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

// A code counts for its own half minute and one on either side.
const (
	totpPeriod = 30 // seconds
	totpSkew   = 1
)

// recoveryCodes is how many codes replace a lost second factor, each once.
const recoveryCodes = 10

// TOTP is an agent's second factor.
type TOTP struct {
	Secret    string     `json:"secret"` // sealed
	Confirmed *time.Time `json:"confirmed,omitempty"`
	Step      int64      `json:"step"`     // the last half minute whose code was used
	Recovery  []string   `json:"recovery"` // SHA-256 of the unused codes
}

func (t *TOTP) active() bool { return t != nil && t.Confirmed != nil }

// Enrolment is what an authenticator app needs. It is shown once.
type Enrolment struct {
	Secret string // base32
	URL    string // otpauth://, for a QR code
}

// Enrol makes a second factor that counts once it was confirmed. It needs the password.
func (s *Service) Enrol(ctx context.Context, p *Principal, password string) (*Enrolment, error) {
	a, err := s.Agent(ctx, p.Agent)
	if err != nil {
		return nil, err
	}
	if a.TOTP.active() {
		return nil, FieldErrors{{"code", "a second factor is set already; remove it first"}}
	}
	if err := s.confirm(ctx, a, password); err != nil {
		return nil, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Parley", AccountName: a.Email, Period: totpPeriod})
	if err != nil {
		return nil, fmt.Errorf("auth: making a second factor: %w", err)
	}
	sealed, err := s.seal.Seal(seal.Secret(key.Secret()), totpOf(a))
	if err != nil {
		return nil, fmt.Errorf("auth: sealing a second factor: %w", err)
	}
	if err := s.setTOTP(ctx, a, &TOTP{Secret: sealed, Recovery: []string{}}); err != nil {
		return nil, err
	}
	return &Enrolment{Secret: key.Secret(), URL: key.URL()}, nil
}

// Confirm turns the second factor on with a code from the app, and gives recovery codes.
func (s *Service) Confirm(ctx context.Context, p *Principal, code string) (recovery []string, err error) {
	a, err := s.Agent(ctx, p.Agent)
	if err != nil {
		return nil, err
	}
	if a.TOTP == nil || a.TOTP.active() {
		return nil, FieldErrors{{"code", "begin by enrolling a second factor"}}
	}
	if err := s.attempt(ctx, a.Email, ""); err != nil {
		return nil, err
	}
	step, err := s.stepOf(a, code)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, FieldErrors{{"code", "this code does not fit; check the clock of your device"}}
	}
	now := s.now()
	next := *a.TOTP
	next.Confirmed, next.Step = &now, step
	for range recoveryCodes {
		c := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(10)))
		recovery = append(recovery, c[:8]+"-"+c[8:])
		next.Recovery = append(next.Recovery, digest(c))
	}
	if err := s.setTOTP(ctx, a, &next); err != nil {
		return nil, err
	}
	return recovery, s.forgive(ctx, a.Email, "")
}

// Disable turns the second factor off. It needs the password and a code.
func (s *Service) Disable(ctx context.Context, p *Principal, password, code string) error {
	a, err := s.Agent(ctx, p.Agent)
	if err != nil {
		return err
	}
	if a.TOTP == nil {
		return nil
	}
	if err := s.confirm(ctx, a, password); err != nil {
		return err
	}
	if a.TOTP.active() {
		if err := s.useCode(ctx, a, code); err != nil {
			return FieldErrors{{"code", "this code does not fit"}}
		}
	}
	return s.setTOTP(ctx, a, nil)
}

// ResetTOTP takes an agent's second factor away: what an administrator does for somebody
// who lost their device. All of the agent's sign-ins end.
func (s *Service) ResetTOTP(ctx context.Context, a *Agent) error {
	if err := s.setTOTP(ctx, a, nil); err != nil {
		return err
	}
	return s.EndSessions(ctx, a.ID, "")
}

func (s *Service) setTOTP(ctx context.Context, a *Agent, t *TOTP) error {
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "totp", Value: t}}}}
	if t == nil {
		update = bson.D{{Key: "$unset", Value: bson.D{{Key: "totp", Value: ""}}}}
	}
	if _, err := s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: string(a.ID)}}, update); err != nil {
		return fmt.Errorf("auth: changing a second factor: %w", err)
	}
	return nil
}

func totpOf(a *Agent) string { return "agents/" + string(a.ID) + "/totp" }

// useCode spends a code of the app or a recovery code. Each works once: a compare-and-set
// refuses the second of two that come at once.
func (s *Service) useCode(ctx context.Context, a *Agent, code string) error {
	step, err := s.stepOf(a, code)
	if err != nil {
		return err
	}
	id := bson.E{Key: "_id", Value: string(a.ID)}
	var n int64
	if step > 0 {
		n, err = s.store.C(store.Agents).Update(ctx,
			bson.D{id, {Key: "totp.step", Value: bson.D{{Key: "$lt", Value: step}}}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "totp.step", Value: step}}}})
	} else {
		hash := digest(strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code)))
		if !slices.Contains(a.TOTP.Recovery, hash) {
			return ErrSignIn
		}
		n, err = s.store.C(store.Agents).Update(ctx, bson.D{id, {Key: "totp.recovery", Value: hash}},
			bson.D{{Key: "$pull", Value: bson.D{{Key: "totp.recovery", Value: hash}}}})
	}
	if err != nil {
		return fmt.Errorf("auth: spending a code: %w", err)
	}
	if n == 0 {
		return ErrSignIn
	}
	return nil
}

// stepOf finds the half minute a code belongs to; 0 for none.
func (s *Service) stepOf(a *Agent, code string) (int64, error) {
	secret, err := s.seal.Open(a.TOTP.Secret, totpOf(a))
	if err != nil {
		return 0, fmt.Errorf("auth: opening a second factor: %w", err)
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := s.now().Unix() / totpPeriod
	var found int64
	for step := now - totpSkew; step <= now+totpSkew; step++ {
		want, err := totp.GenerateCodeCustom(secret.Reveal(), time.Unix(step*totpPeriod, 0),
			totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("auth: working out a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}
