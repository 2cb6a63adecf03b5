package instagram

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// link is an address from which the far side can fetch a part: of a file of ours one that is
// signed, ends, and shows this file alone.
func (s *Session) link(ctx context.Context, p timeline.Part) (string, *channels.Failure) {
	if p.File == "" {
		return p.URL, nil
	}
	fit, err := s.host.Files().Fit(ctx, p.File, Channel.Can.Media[string(p.Kind)])
	var f *channels.Failure
	switch {
	case errors.As(err, &f):
		return "", f
	case errors.Is(err, fs.ErrNotExist):
		return "", meta.Refused(channels.BadMedia, "%s is no longer kept and cannot be sent.", p.Name)
	case err != nil:
		return "", &channels.Failure{Class: channels.Transient, Advice: "The file could not be read. It is tried again by itself.", Err: err}
	}
	link := s.host.Files().URL(fit.File, linkLife)
	if link == "" {
		return "", meta.Refused(channels.Misconfigured, "The hub has no public address from which Instagram could fetch the file. Set one, then send again.")
	}
	return link, nil
}

// mentioned cuts a mention's id into the media's and the comment's, which may be empty.
func mentioned(value string) (media, comment string) {
	media, comment, _ = strings.Cut(value, ":")
	return media, comment
}
