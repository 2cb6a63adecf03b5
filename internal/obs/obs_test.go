package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
)

func TestLogsHideSecretsAndText(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "debug", "json")
	if err != nil {
		t.Fatal(err)
	}
	log.With("accessToken", "hush1").Info("hello", "password", "hush2", slog.Group("request", "Set-Cookie", "hush3", "path", "/x"),
		"text", "hush4", "count", 3, "api_key", []byte("hush5"), "textLength", 9)
	line := out.String()
	if strings.Contains(line, "hush") {
		t.Errorf("a secret is logged: %s", line)
	}
	for _, want := range []string{`"path":"/x"`, `"count":3`, `"msg":"hello"`, `"textLength":9`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is missing in %s", want, line)
		}
	}
}

func TestSensitiveNames(t *testing.T) {
	for name, want := range map[string]bool{"password": true, "newPassword": true, "api-key": true, "X-Parley-CSRF": true, "authorization": true,
		"monkey": false, "context": false, "keyboard": false, "decode": false, "err": false, "conversation": false} {
		if Sensitive(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestLogSettings(t *testing.T) {
	if _, err := NewLogger(&bytes.Buffer{}, "loud", "json"); err == nil {
		t.Error("an unknown level")
	}
	if _, err := NewLogger(&bytes.Buffer{}, "info", "xml"); err == nil {
		t.Error("an unknown format")
	}
	var out bytes.Buffer
	log, err := NewLogger(&out, "warn", "text")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	if out.Len() > 0 {
		t.Errorf("logged %s", out.String())
	}
}

func TestReadiness(t *testing.T) {
	var h Health
	broken := errors.New("connection refused")
	h.Add("store", func(context.Context) error { return nil })
	get := func() (int, Report) {
		w := httptest.NewRecorder()
		h.ServeReady(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		var r Report
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return w.Code, r
	}
	if code, r := get(); code != 200 || !r.Ready || !r.Checks["store"].OK {
		t.Errorf("%d %+v", code, r)
	}
	h.Add("bus", func(context.Context) error { return broken })
	h.Add("search", func(context.Context) error { panic("oh") })
	code, r := get()
	if code != 503 || r.Ready || r.Checks["bus"].Reason != "connection refused" || !strings.Contains(r.Checks["search"].Reason, "oh") {
		t.Errorf("%d %+v", code, r)
	}
	var drained Health
	drained.Drain()
	if r := drained.Ready(t.Context()); r.Ready {
		t.Error("ready while shutting down")
	}
	w := httptest.NewRecorder()
	h.Alive(w, nil)
	if w.Code != 200 {
		t.Errorf("alive: %d", w.Code)
	}
}

func TestChecksThatHangAreCutOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	block := make(chan struct{})
	defer close(block)
	r := run(ctx, Check{"slow", func(context.Context) error { <-block; return nil }})
	if r.OK || r.Reason == "" {
		t.Errorf("%+v", r)
	}
}

func TestShutdownGoesThroughAllStages(t *testing.T) {
	var order []string
	hang := make(chan struct{})
	defer close(hang)
	s := Shutdown{
		{"requests", time.Second, func(context.Context) error { order = append(order, "requests"); return nil }},
		{"hangs", 10 * time.Millisecond, func(context.Context) error { <-hang; return nil }},
		{"fails", time.Second, func(context.Context) error { order = append(order, "fails"); return errors.New("broken") }},
		{"store", 2 * time.Second, func(context.Context) error { order = append(order, "store"); return nil }},
	}
	if s.Budget() != 4*time.Second+10*time.Millisecond {
		t.Errorf("budget %s", s.Budget())
	}
	err := s.Run(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "hangs") || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v", err)
	}
	if strings.Join(order, " ") != "requests fails store" {
		t.Errorf("order %v", order)
	}
}

func TestMetricsAreServed(t *testing.T) {
	m := NewMetrics("1.2.3", "n1")
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_test_total", Help: "x"})
	m.MustRegister(c)
	c.Inc()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"parley_test_total 1", `parley_build_info{node="n1",version="1.2.3"} 1`, "go_goroutines"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestTracesGoToTheCollector(t *testing.T) {
	got := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.URL.Path }))
	defer srv.Close()
	before := otel.GetTracerProvider()
	defer otel.SetTracerProvider(before)
	off, err := Trace(t.Context(), "", "v", "n")
	if err != nil || off(t.Context()) != nil {
		t.Fatal(err)
	}
	stop, err := Trace(t.Context(), srv.URL, "v", "n")
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := otel.Tracer("test").Start(t.Context(), "work")
	var out bytes.Buffer
	log, err := NewLogger(&out, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	log.InfoContext(ctx, "x")
	span.End()
	if !strings.Contains(out.String(), span.SpanContext().TraceID().String()) {
		t.Errorf("the line lacks its trace: %s", out.String())
	}
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path := <-got; path != "/v1/traces" {
		t.Errorf("posted to %s", path)
	}
}
