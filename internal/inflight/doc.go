// Package inflight remembers over the death of the process what was being evaluated then. A panic stops one evaluation; an
// exhausted stack, a fatal error of the runtime or a kill for want of memory stops the process, which would do the same
// again after each restart.
//
// A Guard is told when an evaluation begins and ends, and notes it in a file beside the store: without a sync, since the
// file must outlive the process and not the machine. What is noted in it at the next start is a suspect, and is evaluated
// alone from then on, so that a second death can only be its own. After the second death it is condemned: its owner must
// not evaluate it again.
package inflight
