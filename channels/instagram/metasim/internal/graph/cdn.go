package graph

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// file serves the media CDN. A file may be made to fail: "gone" (410), "forbidden" (403),
// "short" and "long" (the announced length is wrong), "slow" (a byte a second), "endless",
// "private" (redirect to a link-local address), "html" (a page in place of the file), "500".
func (a *API) file(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.w.Lock()
	f := a.w.State().Assets[q.Get("asset_id")]
	now := a.w.Clock().Now()
	var copied world.Asset
	if f != nil {
		copied = *f
	}
	a.w.Unlock()
	end, err := strconv.ParseInt(q.Get("oe"), 16, 64)
	switch {
	case f == nil:
		http.Error(w, "Not Found", http.StatusNotFound)
	case err != nil || q.Get("signature") != world.LinkSignature(f.ID, end):
		http.Error(w, "Bad URL hash", http.StatusForbidden)
	case now.Unix() >= end:
		http.Error(w, "URL signature expired", http.StatusForbidden)
	case !copied.Expires.IsZero() && !now.Before(copied.Expires):
		http.Error(w, "Gone", http.StatusGone)
	default:
		serveFile(w, r, copied)
	}
}

func serveFile(w http.ResponseWriter, r *http.Request, f world.Asset) {
	switch f.Fault {
	case "gone":
		http.Error(w, "Gone", http.StatusGone)
		return
	case "forbidden":
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	case "500":
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case "private":
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		return
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Log in</title><p>Log in to continue."))
		return
	}
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("Cache-Control", "private, max-age=86400")
	body := f.Bytes
	switch f.Fault {
	case "short": // says less than it has
		overlong(w, f)
		return
	case "long": // says more than it has
		w.Header().Set("Content-Length", strconv.Itoa(len(body)*2+1))
	case "slow", "endless":
		trickle(w, r, body, f.Fault == "endless")
		return
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	// A reader that went away is its own affair.
	_, _ = w.Write(body)
}

// overlong announces half of what it then writes. net/http would not do that, so it takes the
// connection.
func overlong(w http.ResponseWriter, f world.Asset) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", f.Type, len(f.Bytes)/2)
	if _, err := buf.Write(f.Bytes); err == nil {
		_ = buf.Flush() // a reader that stopped at the announced length may be gone
	}
}

// trickle writes a byte a second, or without end as fast as it is read.
func trickle(w http.ResponseWriter, r *http.Request, body []byte, endless bool) {
	if len(body) == 0 {
		return
	}
	flush := http.NewResponseController(w)
	for i := 0; endless || i < len(body); i++ {
		chunk := body[i%max(1, len(body)) : i%max(1, len(body))+1]
		if endless {
			chunk = body
		}
		if _, err := w.Write(chunk); err != nil || flush.Flush() != nil {
			return
		}
		if endless {
			continue
		}
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}
