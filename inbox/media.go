package inbox

import (
	"slices"

	"github.com/parley-hub/parley/timeline"
)

// foldMedia puts fetched parts in their places. What is kept already is left alone.
func foldMedia(m *timeline.Message, ev *timeline.Event) bool {
	if m.Unsent != nil {
		return false
	}
	parts, changed := m.Parts, false
	for _, got := range ev.Media.Parts {
		if got.N < 0 || got.N >= len(parts) {
			continue
		}
		now, ok := fetched(parts[got.N], got.Part)
		if !ok {
			continue
		}
		if !changed {
			parts, changed = slices.Clone(parts), true
		}
		parts[got.N] = now
	}
	m.Parts = parts
	return changed
}

// fetched is a part with what was fetched of it, or why it was not; ok is false where nothing is new.
func fetched(was, got timeline.Part) (now timeline.Part, ok bool) {
	switch {
	case was.File != "":
		return was, false
	case got.File != "":
	case got.Missing > was.Missing: // of several reasons one, always the same
		was.Missing = got.Missing
		return was, true
	default:
		return was, false
	}
	now = was
	now.File, now.Missing = got.File, ""
	now.Size, now.Width, now.Height = got.Size, got.Width, got.Height
	if got.MIME != "" {
		now.MIME = got.MIME
	}
	if now.Name == "" {
		now.Name = got.Name
	}
	if got.Kind != "" && (now.Kind == "" || now.Kind == timeline.PartFile) {
		now.Kind = got.Kind
	}
	return now, true
}

// Spare lists the files of a media event that its message, as it is now, did not take: they
// belong to nothing.
func Spare(m *timeline.Message, ev *timeline.Event) (out []timeline.FileID) {
	if ev.Media == nil {
		return nil
	}
	for _, got := range ev.Media.Parts {
		taken := m != nil && slices.ContainsFunc(m.Parts, func(p timeline.Part) bool { return p.File == got.Part.File })
		if got.Part.File != "" && !taken {
			out = append(out, got.Part.File)
		}
	}
	return out
}

// decideMedia takes in what became of parts that had to be fetched.
func decideMedia(ev *timeline.Event, f Facts) ([]Change, error) {
	switch {
	case f.Target == nil:
		return nil, &Refusal{Dangling, "media of a message that is not there"}
	case f.Target.Message == nil:
		return nil, &Refusal{Invalid, "media of what is no message"}
	case f.Target.Message.Unsent != nil:
		return nil, &Refusal{TooLate, "the message is gone"}
	}
	ev.Leg, ev.Thread, ev.Direction = "", timeline.Thread{}, timeline.Internal
	bindTo(ev, f.Target)
	changes := Effects(ev, f)
	if len(changes) == 0 {
		return nil, &Refusal{Nothing, "the parts are so already"}
	}
	return changes, nil
}
