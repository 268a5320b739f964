// Package kubernetes runs steps of type Kubernetes, each attempt as a pod of its own (spec/runtimes 4.4), and lets other
// step types do so in their own way ([Kind]).
//
// The cluster is the only memory. The name of a pod follows from its attempt, so that of two who begin the same attempt
// one is refused by the API server and finds the other's pod; annotations tell whose it is, and a pod that is somebody
// else's is left alone. Before a stop or a failure to begin is reported while a request to begin may still be under way
// (of a server that has died, or one that was not answered), the name is taken by a pod that can never run. So an attempt
// runs at most once, and whoever comes later finds out how it ended, as long as the pod is there: finished pods are
// deleted when they are old ([Config.TTL]).
//
// What the state of a pod means is one table (judge.go), a pure function of the pod. The container of the step decides,
// by name: clusters inject others before, beside and after it.
//
// In memory an attempt is one small job. A fixed number of workers takes jobs that have something to do, does one thing
// (create, look, read the log, delete) and puts them away; whatever fails is tried again later by a timer, not by a
// waiting goroutine. One goroutine per namespace hears of all its pods by a watch, or, where watches do not work, by
// asking again and again (see watcher).
package kubernetes
