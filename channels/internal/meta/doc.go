// Package meta is what the channels of Meta's Graph API truly share: Instagram, Messenger and
// the WhatsApp Cloud API.
//
// On the way in: [Door] answers the handshake, verifies X-Hub-Signature-256 over the raw bytes
// and cuts one body into slices by account; [Read] gives its updates one by one, so that one
// that cannot be read does not spoil the others; [Text], [Int] and [Stamp] take what the
// documentation and the wire cannot agree on (numbers as strings, seconds as milliseconds).
//
// On the way out: [Client] makes calls; its errors are told apart by what is certain:
// [*Error] (the API said no), [*Unreached] (no byte left us) and [*Lost] (nobody knows).
// [Outcome] makes one of the three results of a step of them, [Failure] the class and the words
// for the agent. Tokens are exchanged, renewed and checked by the helpers in token.go,
// subscriptions by those in subscribe.go.
//
// Nothing here keeps state; everything is safe for concurrent use.
package meta
