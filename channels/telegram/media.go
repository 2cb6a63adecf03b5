package telegram

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Fetch downloads a file by its file_id. The address to load it from holds the
// token and is asked for anew each time: https://core.telegram.org/bots/api#getfile.
func (s *Session) Fetch(ctx context.Context, p timeline.Part, limit int64) (io.ReadCloser, error) {
	if p.Retention != "" && p.Retention != timeline.RetainStore {
		return nil, &channels.Problem{Status: http.StatusNotFound, Title: "nothing is kept of this"}
	}
	if p.Remote == "" {
		return nil, &channels.Problem{Status: http.StatusNotFound, Title: "Telegram keeps no such file"}
	}
	if p.Size > limit {
		return nil, tooLarge
	}
	var f struct {
		Path string `json:"file_path"`
		Size int64  `json:"file_size"`
	}
	err := s.call(ctx, "getFile", params{"file_id": string(p.Remote)}, &f)
	switch {
	case said(err, "file is too big"):
		return nil, tooLarge
	case said(err, "wrong file"), said(err, "invalid file"), said(err, "file not found"):
		return nil, &channels.Problem{Status: http.StatusNotFound, Title: "Telegram no longer keeps the file"}
	case err != nil:
		return nil, err
	case f.Size > limit:
		return nil, tooLarge
	case f.Path == "" || path.IsAbs(f.Path) || f.Path != path.Clean(f.Path) || strings.HasPrefix(f.Path, ".."):
		return nil, &channels.Failure{Class: channels.Misconfigured, Advice: "The Bot API server keeps files on its own disk. Start it without --local."}
	}
	return s.load(ctx, f.Path)
}

var tooLarge = &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "the file is larger than may be downloaded", Detail: "Telegram lets bots download 20 MB: ask for it another way."}

func (s *Session) load(ctx context.Context, file string) (io.ReadCloser, error) {
	at := s.api + "/file/bot" + s.token + "/" + (&url.URL{Path: file}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, &channels.Failure{Class: channels.Misconfigured, Advice: "Check the Bot API address."} // err holds the token
	}
	resp, err := s.host.HTTP().Do(req)
	if err != nil {
		return nil, broken(err, s.token)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, &channels.Problem{Status: resp.StatusCode, Title: "Telegram does not hand out the file"}
	}
	return resp.Body, nil
}

// Profile asks for a person's name and picture. People may hide either from bots.
func (s *Session) Profile(ctx context.Context, id timeline.Identity) (timeline.Profile, error) {
	var c chat
	if err := s.call(ctx, "getChat", params{"chat_id": id.Value}, &c); err != nil {
		return timeline.Profile{}, err
	}
	u := c.sender()
	p := timeline.Profile{Name: u.name(), Username: u.Username}
	if c.Bio != "" {
		p.Extra = map[string]string{"bio": c.Bio}
	}
	var err error
	p.Avatar, err = s.avatar(ctx, id.Value)
	return p, err
}

const (
	maxAvatar  = 5 << 20
	avatarLife = time.Hour // long enough for the hub to make its copy
)

// avatar is a link to a copy of the picture: Telegram's own holds the token. A
// picture that is kept already is not loaded again.
func (s *Session) avatar(ctx context.Context, person string) (string, error) {
	var photos struct {
		Photos [][]file `json:"photos"`
	}
	err := s.call(ctx, "getUserProfilePhotos", params{"user_id": person, "limit": 1}, &photos)
	if settled(err) {
		return "", nil // a group, or somebody who shows none
	}
	if err != nil || len(photos.Photos) == 0 || len(photos.Photos[0]) == 0 {
		return "", err
	}
	sizes := photos.Photos[0]
	best := sizes[len(sizes)-1]
	note, seen := "avatar:"+person, best.Unique+" "
	had, err := s.host.Notes().Get(ctx, note)
	if err != nil {
		return "", err
	}
	if id, ok := strings.CutPrefix(string(had[note]), seen); ok && best.Unique != "" {
		if r, _, err := s.host.Files().Open(ctx, timeline.FileID(id)); err == nil {
			r.Close()
			return s.host.Files().URL(timeline.FileID(id), avatarLife), nil
		}
	}
	body, err := s.Fetch(ctx, timeline.Part{Remote: timeline.RemoteID(best.ID), Size: best.Size}, maxAvatar)
	if settled(err) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer body.Close()
	part, err := s.host.Files().Put(ctx, "avatar.jpg", body, maxAvatar)
	if settled(err) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if err := s.host.Notes().Put(ctx, map[string][]byte{note: []byte(seen + string(part.File))}); err != nil {
		return "", err
	}
	return s.host.Files().URL(part.File, avatarLife), nil
}

// settled reports whether a picture will not be had by asking again: the name is
// worth having without it.
func settled(err error) bool {
	var (
		p *channels.Problem
		f *channels.Failure
	)
	return errors.As(err, &p) || errors.As(err, &f) && !f.Class.Again() && !f.Class.Holds()
}
