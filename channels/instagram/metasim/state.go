package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/sim"
)

// saveEvery bounds how much a crash can cost.
const saveEvery = 2 * time.Second

// remember loads a world from a file and keeps the file up to date. The function it returns
// saves a last time. Without a file it does nothing.
func remember(s *sim.Sim, file string) (func(), error) {
	if file == "" {
		return func() {}, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	if err == nil {
		s.World.Lock()
		err = s.World.Load(raw)
		s.World.Unlock()
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", file, err)
		}
		s.World.Clock().Set(time.Now()) // time went on while nobody was there
	}
	changed, end := s.World.Watch()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { keepSaving(s, file, changed, stop) })
	return func() {
		end()
		close(stop)
		wg.Wait()
	}, nil
}

func keepSaving(s *sim.Sim, file string, changed <-chan struct{}, stop <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-stop:
			save(s, file)
			return
		}
		select {
		case <-time.After(saveEvery):
		case <-stop:
		}
		save(s, file)
	}
}

// save writes beside the file and renames, so that a crash leaves the old one.
func save(s *sim.Sim, file string) {
	s.World.Lock()
	raw, err := s.World.Dump()
	s.World.Unlock()
	if err == nil {
		err = os.WriteFile(file+".new", raw, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		slog.Error("saving the state", "error", err)
	}
}
