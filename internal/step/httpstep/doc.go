// Package httpstep does the work of steps of type Http: it sends one request, lets the step's expression judge the
// answer, and sends it again as long as the expression says so. It does not know what an expression is; a function is
// handed in.
//
// # What is promised
//
// A request is sent at least once for an attempt, not exactly once. Nothing that a server across the network does can be
// found again, so an attempt that was under way when the engine ended is sent again, as the original does. Who calls
// something that must not happen twice sets http.idempotency_key, or writes a header with ${step_instance_uuid}, which is
// the same for all requests of an attempt. Within one Runtime an attempt that is under way is not begun a second time.
//
// An attempt is reported stopped when no request of it is under way any more. A stop cancels it at once; only at the
// deadline of the step the answer is waited for a few seconds longer, because it tells what the other side has done.
//
// What a step may call is decided by the [Config] twice: by the host of its URL, and by the address that is dialled in
// the end, so that a name that leads elsewhere than it should leads nowhere. Proxies of the environment are not used:
// behind one there is no address to look at.
//
// # Concurrency
//
// A [Runtime] is safe for concurrent use. An attempt that waits, for its turn or for its next request, is one small value
// in a queue or a heap and has no goroutine. Up to Config.MaxInFlight workers send requests, one at a time each, and end
// when there is nothing to send; one clock wakes what is due. Close waits for all of them.
package httpstep
