package email

import (
	"context"

	"github.com/parley-hub/parley/timeline"
)

// words are what a mail says, in both forms.
type words struct {
	text, html string
	inline     []file // pictures of the quoted mail
}

// written is the agent's text with the inbox's signature and, below, what is answered.
func (s *Session) written(_ context.Context, m *timeline.Message, _ history) (words, error) {
	return words{text: m.Text, html: m.HTML}, nil
}
