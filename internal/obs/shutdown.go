package obs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Stage is one step of an orderly end, with the time it may take.
type Stage struct {
	Name   string
	Budget time.Duration
	Close  func(context.Context) error
}

// Shutdown is the stages of an orderly end, in order. Its budget is their sum: what the
// process manager must grant before it kills.
type Shutdown []Stage

// Budget is the longest the end takes.
func (s Shutdown) Budget() time.Duration {
	var sum time.Duration
	for _, stage := range s {
		sum += stage.Budget
	}
	return sum
}

// Run goes through all stages. One that fails or overruns does not keep the next from
// running.
func (s Shutdown) Run(ctx context.Context, log *slog.Logger) error {
	var errs []error
	for _, stage := range s {
		begun := time.Now()
		if err := stage.run(ctx); err != nil {
			err = fmt.Errorf("%s: %w", stage.Name, err)
			errs = append(errs, err)
			log.Warn("shutdown", "stage", stage.Name, "took", time.Since(begun), "err", err)
			continue
		}
		log.Debug("shutdown", "stage", stage.Name, "took", time.Since(begun))
	}
	return errors.Join(errs...)
}

func (s Stage) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Close(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not done within %s: %w", s.Budget, ctx.Err())
	}
}
