package gateway

import (
	"context"

	"github.com/parley-hub/parley/timeline"
)

// Secret opens one secret of an account, for a program that acts as the account's owner
// would. It is empty where the account has none.
func (g *Gateway) Secret(ctx context.Context, id timeline.AccountID, name string) (string, error) {
	r, err := g.read(ctx, id)
	if err != nil {
		return "", err
	}
	values, _, err := g.reveal(r)
	if err != nil {
		return "", err
	}
	return values[name], nil
}
