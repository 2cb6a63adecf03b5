package store_test

import (
	"testing"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/store/storetest"
)

func TestEmbeddedSuite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return openEmbedded(t, store.WithSchema(storetest.Specs)) })
}
