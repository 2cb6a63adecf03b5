// Package parley is the root of the omnichannel messaging hub. The program is cmd/parley;
// how the packages fit together is told in docs/architecture.md and enforced by the tests
// of this folder.
package parley
