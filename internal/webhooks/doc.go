// Package webhooks tells programs outside what happens in conversations: for each event that an
// endpoint wants it makes a delivery, and sends it until the endpoint has taken it.
//
// Deliveries are signed and dated after the Standard Webhooks specification 1.0
// (https://www.standardwebhooks.com). A delivery's id derives from the endpoint, the conversation
// and the event's number: an event that is published again, on any node and at any time, is the
// same delivery. What is sent more than once, because a crash came between the call and its
// record, has the same webhook-id.
//
// A delivery holds no content. What is sent is read from the record at the moment of sending, so
// that what was erased or taken back while a delivery waited does not leave the house.
//
// Each endpoint is a lane of its own: it is worked on by one node at a time, by a lease in its
// record, with at most [Parallel] calls at once, and waits for no other endpoint. What is due is a
// collection of its own rather than timers, as with other work that hangs from the timeline: the
// lease gives one node the endpoint's order and its limit, and there is nothing to publish when a
// retry falls due. Within an endpoint the deliveries of one conversation go one after another, by
// seq. One that fails holds back those behind it for its first [Patience] attempts; afterwards it
// is tried beside them, so that one event that the endpoint cannot digest does not silence a
// conversation. Receivers that need strict order sort by event.seq.
package webhooks
