package whatsapp

import (
	"context"
	"io"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Fetch downloads a part: its name is asked for an address, which is good for five minutes and
// wants our credentials too. They go only where the far side says that the file lies.
func (s *Session) Fetch(ctx context.Context, p timeline.Part, max int64) (io.ReadCloser, error) {
	if p.Retention == timeline.RetainURL || p.Retention == timeline.RetainNever {
		return nil, meta.Refused(channels.Permanent, "There is no file to keep.")
	}
	if !mediaID(string(p.Remote)) {
		return nil, meta.Gone("The file has no name to ask for")
	}
	var f struct {
		URL  string   `json:"url"`
		Size meta.Int `json:"file_size"`
	}
	err := s.graph().Get(ctx, string(p.Remote), map[string][]string{"phone_number_id": {s.set.phone}}, &f)
	switch {
	case meta.Is(err, 100, 0), meta.Is(err, 131052, 0):
		return nil, meta.Gone("The far side no longer keeps the file")
	case err != nil:
		return nil, meta.Explained(Kind, "asking where a file lies", err)
	case int64(f.Size) > max:
		return nil, &channels.Problem{Status: 413, Title: "The attachment is too large", Detail: "It is kept by the far side only."}
	case meta.WebURL(f.URL) == "":
		return nil, meta.Gone("The far side gives no address of the file")
	}
	return meta.Download(ctx, s.host.HTTP(), f.URL, s.set.token, max)
}

// mediaID reports whether a value has the form of the far side's names of files.
func mediaID(v string) bool {
	for _, r := range v {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '.' {
			return false
		}
	}
	return v != "" && len(v) <= 256
}
