package inbox

import (
	"regexp"
	"slices"
	"strings"

	"github.com/parley-hub/parley/timeline"
)

// How a [timeline.Evidence] is known.
const (
	EvidenceAgent   = "agent"   // one of us says that an address of one is the other's
	EvidenceLinked  = "linked"  // a channel names an address of the other's, unverified
	EvidenceUndone  = "undone"  // a verified link, but joining them was undone before
	EvidenceShared  = "shared"  // two verified identities that exclude one another were used in one place
	EvidenceProfile = "profile" // the profile of one, or what they filled in, holds the other's address
	EvidenceSaid    = "said"    // one wrote the other's address in a message
	EvidenceAlike   = "alike"   // the same full name with the same picture or user name
)

// weight is how much each kind says by itself, in hundredths. An address that somebody writes
// may be anybody's, and names are shared by many.
var weight = map[string]int{EvidenceAgent: 80, EvidenceLinked: 60, EvidenceProfile: 60, EvidenceSaid: 45,
	EvidenceUndone: 30, EvidenceShared: 20, EvidenceAlike: 20}

// Likeness is how much speaks for two persons being one, from 0 to 99: reasons that are
// known in different ways add up, as independent chances do; several known in one way count once.
func Likeness(all []timeline.Evidence) int {
	against := 1.0
	seen := map[string]bool{}
	for _, e := range all {
		if !seen[e.How] {
			seen[e.How] = true
			against *= 1 - float64(weight[e.How])/100
		}
	}
	return min(99, int(100*(1-against)+0.5))
}

// What an address looks like in running text, and how much is looked at.
var (
	saidMail  = regexp.MustCompile(`[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+`)
	saidPhone = regexp.MustCompile(`\+[1-9][0-9 ().\-/]{5,22}[0-9]`)
	separator = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "")
)

const (
	saidMost = 10     // addresses of one text
	saidText = 20_000 // bytes
)

// Said lists the e-mail addresses and phone numbers with their country in a text, as identities
// have them.
func Said(text string) (out []timeline.Identity) {
	text = text[:min(len(text), saidText)]
	add := func(scheme, value string) {
		i := timeline.Identity{Scheme: scheme, Value: value}
		if len(out) < saidMost && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	for _, m := range saidMail.FindAllString(text, saidMost) {
		add("email", strings.ToLower(strings.TrimRight(m, ".-")))
	}
	for _, m := range saidPhone.FindAllString(text, saidMost) {
		if n := separator.Replace(m); len(n) <= 16 {
			add("tel", n)
		}
	}
	return out
}

// Alike is what a full name with the same user name or picture says for two persons being one;
// nothing where the name is none that tells people apart. samePicture is whether the pictures are.
func Alike(a, b *timeline.Person, samePicture bool) (out []timeline.Evidence) {
	name := strings.Join(strings.Fields(a.Profile.Name), " ")
	if !strings.Contains(name, " ") || !strings.EqualFold(name, strings.Join(strings.Fields(b.Profile.Name), " ")) {
		return nil
	}
	user := a.Profile.Username
	if user != "" && strings.EqualFold(user, b.Profile.Username) {
		out = append(out, timeline.Evidence{Kind: "username", How: EvidenceAlike, Value: user})
	}
	if samePicture {
		out = append(out, timeline.Evidence{Kind: "avatar", How: EvidenceAlike})
	}
	if len(out) > 0 {
		out = append(out, timeline.Evidence{Kind: "name", How: EvidenceAlike, Value: name})
	}
	return out
}
