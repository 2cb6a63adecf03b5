package inbox

import "github.com/parley-hub/parley/timeline"

// How a [timeline.Evidence] is known.
const (
	EvidenceAgent   = "agent"   // one of us says that an address of one is the other's
	EvidenceLinked  = "linked"  // a channel names an address of the other's, unverified
	EvidenceUndone  = "undone"  // a verified link, but joining them was undone before
	EvidenceShared  = "shared"  // two verified identities that exclude one another were used in one place
	EvidenceForm    = "form"    // one gave the other's address in a form
	EvidenceProfile = "profile" // the far side's profile of one holds the other's address
	EvidenceSaid    = "said"    // one wrote the other's address in a message
	EvidenceAlike   = "alike"   // the same full name with the same picture or user name
)

// weight is how much each kind says by itself, in hundredths. An address that somebody writes
// may be anybody's, and names are shared by many.
var weight = map[string]int{EvidenceAgent: 80, EvidenceLinked: 60, EvidenceForm: 60, EvidenceProfile: 60, EvidenceSaid: 45,
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
