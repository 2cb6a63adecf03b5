// Package sim is a Bot API in memory: enough of
// https://core.telegram.org/bots/api for a hub to talk with people who do not
// exist. The adapter's tests and its simulator use it.
package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Call is a request the hub made.
type Call struct {
	Method string
	Params map[string]string // JSON values that are no strings as they were written
	Files  map[string][]byte // of an upload, by field
	At     time.Time
}

// Refusal is how the API says no; a zero Status is no refusal.
type Refusal struct {
	Status int
	Body   string
}

// API is one bot's side of Telegram. Safe for concurrent use.
type API struct {
	token string

	mu      sync.Mutex
	queue   []waiting
	update  int64
	message int64
	hook    map[string]string
	calls   []Call
	sent    int64
	refuse  func(Call) Refusal
	files   map[string][]byte
	pushed  chan struct{} // closed when something is pushed
}

type waiting struct {
	id   int64
	body json.RawMessage
}

// New is an API for one token; the empty one lets any in.
func New(token string) *API {
	return &API{token: token, update: 1000, message: 5000, hook: map[string]string{}, files: map[string][]byte{}, pushed: make(chan struct{})}
}

// Push queues an update for polling, as its JSON without the number, and gives
// the number it gets.
func (a *API) Push(kind, payload string) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.update++
	body := `{"update_id":` + strconv.FormatInt(a.update, 10) + `,` + strconv.Quote(kind) + `:` + payload + `}`
	a.queue = append(a.queue, waiting{a.update, json.RawMessage(body)})
	close(a.pushed)
	a.pushed = make(chan struct{})
	return a.update
}

// Keep makes a file that can be downloaded by its id.
func (a *API) Keep(id string, content []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[id] = content
}

// Refuse sets how calls are refused from now on; nil: not at all.
func (a *API) Refuse(f func(Call) Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse = f
}

// Calls are the calls of some methods so far; without names, of all.
func (a *API) Calls(methods ...string) []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Call
	for _, c := range a.calls {
		if len(methods) == 0 || strings.Contains(" "+strings.Join(methods, " ")+" ", " "+c.Method+" ") {
			out = append(out, c)
		}
	}
	return out
}

// Sent is how many messages the hub sent.
func (a *API) Sent() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// Waiting is how many updates were not yet taken.
func (a *API) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queue)
}

// maxCalls is how many calls are remembered.
const maxCalls = 10000

// ServeHTTP answers like api.telegram.org.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, isFile := strings.CutPrefix(r.URL.Path, "/file")
	token, name, ok := strings.Cut(strings.TrimPrefix(path, "/bot"), "/")
	if !ok || a.token != "" && token != a.token {
		say(w, http.StatusUnauthorized, `{"ok":false,"error_code":401,"description":"Unauthorized"}`)
		return
	}
	if isFile {
		a.mu.Lock()
		content, ok := a.files[strings.TrimPrefix(name, "files/")]
		a.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content) // the hub hung up, if anything
		return
	}
	c := Call{Method: name, At: time.Now()}
	if err := c.read(r); err != nil {
		say(w, http.StatusBadRequest, `{"ok":false,"error_code":400,"description":"Bad Request: can't parse"}`)
		return
	}
	a.mu.Lock()
	if len(a.calls) < maxCalls {
		a.calls = append(a.calls, c)
	}
	refuse := a.refuse
	a.mu.Unlock()
	if refuse != nil {
		if no := refuse(c); no.Status != 0 {
			say(w, no.Status, no.Body)
			return
		}
	}
	if name == "getUpdates" {
		a.updates(w, r, c)
		return
	}
	result, status := a.answer(c)
	if status != http.StatusOK {
		say(w, status, result)
		return
	}
	say(w, status, `{"ok":true,"result":`+result+`}`)
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the hub hung up, if anything
}

// read takes the arguments from JSON or from a form.
func (c *Call) read(r *http.Request) error {
	c.Params, c.Files = map[string]string{}, map[string][]byte{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(64 << 20); err != nil {
			return err
		}
		for k, v := range r.MultipartForm.Value {
			c.Params[k] = strings.Join(v, "")
		}
		for k, v := range r.MultipartForm.File {
			f, err := v[0].Open()
			if err != nil {
				return err
			}
			b, err := io.ReadAll(f)
			f.Close()
			if err != nil {
				return err
			}
			c.Files[k] = b
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		return err
	}
	for k, raw := range fields {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		c.Params[k] = s
	}
	return nil
}

// updates holds the question open until there is something or its time is up.
func (a *API) updates(w http.ResponseWriter, r *http.Request, c Call) {
	offset, _ := strconv.ParseInt(c.Params["offset"], 10, 64)
	seconds, _ := strconv.Atoi(c.Params["timeout"])
	over := time.NewTimer(time.Duration(seconds) * time.Second)
	defer over.Stop()
	for {
		a.mu.Lock()
		if a.hook["url"] != "" {
			a.mu.Unlock()
			say(w, http.StatusConflict, `{"ok":false,"error_code":409,"description":"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}`)
			return
		}
		for len(a.queue) > 0 && a.queue[0].id < offset {
			a.queue = a.queue[1:]
		}
		var list []json.RawMessage
		for _, u := range a.queue[:min(len(a.queue), 100)] {
			list = append(list, u.body)
		}
		pushed := a.pushed
		a.mu.Unlock()
		if len(list) > 0 {
			b, err := json.Marshal(list)
			if err != nil {
				say(w, http.StatusInternalServerError, err.Error())
				return
			}
			say(w, http.StatusOK, `{"ok":true,"result":`+string(b)+`}`)
			return
		}
		select {
		case <-pushed:
		case <-r.Context().Done():
			return
		case <-over.C:
			say(w, http.StatusOK, `{"ok":true,"result":[]}`)
			return
		}
	}
}

// answer is the result of a method, or with another status the whole refusal.
func (a *API) answer(c Call) (string, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch c.Method {
	case "setWebhook":
		a.hook = map[string]string{"url": c.Params["url"], "allowed_updates": c.Params["allowed_updates"]}
	case "deleteWebhook":
		a.hook = map[string]string{}
	case "getWebhookInfo":
		allowed := a.hook["allowed_updates"]
		if allowed == "" {
			allowed = "[]"
		}
		return `{"url":` + strconv.Quote(a.hook["url"]) + `,"allowed_updates":` + allowed + `}`, http.StatusOK
	case "getChat":
		id, _ := strconv.ParseInt(c.Params["chat_id"], 10, 64)
		return `{"id":` + strconv.FormatInt(id, 10) + `,"type":"private","first_name":"Person","last_name":"` + strconv.FormatInt(id%1000, 10) + `"}`, http.StatusOK
	case "getUserProfilePhotos":
		if _, ok := a.files["avatar"]; ok {
			return `{"total_count":1,"photos":[[{"file_id":"avatar","file_unique_id":"avatar1","width":160,"height":160}]]}`, http.StatusOK
		}
		return `{"total_count":0,"photos":[]}`, http.StatusOK
	case "getFile":
		content, ok := a.files[c.Params["file_id"]]
		if !ok {
			return `{"ok":false,"error_code":400,"description":"Bad Request: wrong file_id or the file is temporarily unavailable"}`, http.StatusBadRequest
		}
		return `{"file_id":` + strconv.Quote(c.Params["file_id"]) + `,"file_size":` + strconv.Itoa(len(content)) + `,"file_path":` + strconv.Quote("files/"+c.Params["file_id"]) + `}`, http.StatusOK
	case "editMessageText", "editMessageCaption":
		return a.made(c, c.Params["message_id"]), http.StatusOK
	case "answerCallbackQuery", "deleteMessage", "setMessageReaction", "sendChatAction":
	default:
		if !strings.HasPrefix(c.Method, "send") {
			return `{"ok":false,"error_code":404,"description":"Not Found"}`, http.StatusNotFound
		}
		a.message++
		a.sent++
		return a.made(c, strconv.FormatInt(a.message, 10)), http.StatusOK
	}
	return "true", http.StatusOK
}

// made is the message that a call made or changed.
func (a *API) made(c Call, id string) string {
	chat, _ := strconv.ParseInt(c.Params["chat_id"], 10, 64)
	return `{"message_id":` + id + `,"date":` + strconv.FormatInt(c.At.Unix(), 10) + `,"chat":{"id":` + strconv.FormatInt(chat, 10) + `,"type":"private"}}`
}
