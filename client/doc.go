// Package client is the Go SDK of a Maestro server: every operation of its REST API as a method, and the live stream of
// a run as an iterator.
//
//	c, err := client.New("http://127.0.0.1:8080", client.WithUser("alice"))
//	...
//	started, err := c.Start(ctx, "demo", client.StartRequest{})
//	...
//	for ev, err := range c.Watch(ctx, "demo", started.Instance) {
//		...
//	}
//
// It models what programs commonly look at, and keeps the whole answer beside it: each value has the JSON it was read
// from in its field JSON, so a field that this package does not know is never out of reach. It does not validate what
// it sends; the server does, and says what is wrong in an [Error].
//
// A Client holds nothing but its configuration and is safe for concurrent use. No call is ever sent twice: whether to
// try again is the caller's decision, helped by the request ids of starts and restarts. Only Watch and Logs reconnect.
package client
