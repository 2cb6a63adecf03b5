package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/pprof"
	"time"
)

// profiles serves pprof on an address of its own until ctx ends, so that it is never
// reachable where customers are.
func (n *node) profiles(ctx context.Context) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s := &http.Server{Addr: n.cfg.DebugAddr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = s.Close() }) // nobody waits for a profile while shutting down
	if err := s.ListenAndServe(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		n.log.Warn("profiles are not served", "err", err)
	}
}
