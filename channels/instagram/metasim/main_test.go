package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/demo"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// serve runs the program with flags and returns its address.
func serve(t *testing.T, f flags) string {
	t.Helper()
	out := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = w
	t.Cleanup(func() { os.Stdout = out })
	f.addr, f.ready, f.seed = "127.0.0.1:0", true, 1
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, f) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var ready struct{ Addr string }
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Addr == "" {
		t.Fatalf("first line %q: %v", line, err)
	}
	return "http://" + ready.Addr
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, resp.StatusCode, err)
	}
	return string(b)
}

func TestPageAndScenario(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.json")
	raw := `{"apps":[{"id":"1","name":"A"}],"accounts":[{"username":"shop"}],"people":[{"key":"ana"}],"steps":[{"do":"dm","person":"ana","text":"hi"}]}`
	if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	base := serve(t, flags{scale: 1, scenario: file})
	if p := get(t, base+"/"); !strings.Contains(p, "page.js") || strings.Contains(p, "http:") || strings.Contains(p, "https:") {
		t.Errorf("page: %s", p)
	}
	if v := get(t, base+"/_sim/view"); !strings.Contains(v, `"text":"hi"`) {
		t.Errorf("view: %s", v)
	}
}

func TestScenarioWithAMistakeEndsTheProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.json")
	if err := os.WriteFile(file, []byte(`{"peeple":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), flags{addr: "127.0.0.1:0", scenario: file})
	if err == nil || !strings.Contains(err.Error(), "peeple") {
		t.Errorf("%v", err)
	}
}

func TestStateIsKeptBetweenRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	t.Run("first", func(t *testing.T) {
		base := serve(t, flags{scale: 1, state: file})
		for path, body := range map[string]string{"/_sim/people": `{"key":"ana","name":"Ana"}`} {
			resp, err := http.Post(base+path, "application/json", strings.NewReader(body))
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v %v", path, resp, err)
			}
			resp.Body.Close()
		}
	})
	t.Run("second", func(t *testing.T) {
		base := serve(t, flags{scale: 1, state: file})
		if v := get(t, base+"/_sim/view"); !strings.Contains(v, `"name":"Ana"`) {
			t.Errorf("view: %s", v)
		}
	})
}

// TestDemoPlaysAndAnswers starts the demo before its hub is up, and answers one of the people.
func TestDemoPlaysAndAnswers(t *testing.T) {
	o := demo.Options{App: "1", Secret: "s", Verify: "v", IG: "17841400000000001", Page: "11", IGToken: "T", PageToken: "P",
		Username: "moss.and.clay", Name: "Moss & Clay", Objects: "instagram", Login: "instagram", Pace: 1}
	var mu sync.Mutex
	var bodies []string
	refuse := true
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodGet {
			if refuse {
				refuse = false
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			io.WriteString(w, r.URL.Query().Get("hub.challenge"))
			return
		}
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/hooks/instagram" || r.Header.Get("X-Hub-Signature-256") != wire.Sign("s", b) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		bodies = append(bodies, string(b))
	}))
	defer hub.Close()
	o.Hub = hub.URL
	base := serve(t, flags{scale: 600, demo: true, scene: o})
	until := func(what, text string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			found := strings.Contains(strings.Join(bodies, "\n"), text)
			mu.Unlock()
			if found {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	until("the first message", "moss green planter")
	until("a picture", `"type":"image"`)
	until("a comment", `"field":"comments"`)
	var people map[string]struct{ Scoped map[string]string }
	if err := json.Unmarshal([]byte(get(t, base+"/_sim/people")), &people); err != nil {
		t.Fatal(err)
	}
	body := `{"recipient":{"id":"` + people["nora.lindqvist"].Scoped["instagram:moss.and.clay"] + `"},"message":{"text":"Two are left."}}`
	resp, err := http.Post(base+"/graph.instagram.com/v25.0/me/messages?access_token=T", "application/json", strings.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("answering: %v %v", resp, err)
	}
	resp.Body.Close()
	until("an answer to the answer", "hold it until Saturday")
	until("the reading", `"read":{"mid":"`)
}
