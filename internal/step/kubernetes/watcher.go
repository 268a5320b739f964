package kubernetes

import (
	"context"
	"errors"
	"time"

	"maestro/internal/kube"
)

// watcher hears of the pods of one namespace for all jobs there, in one goroutine.
//
// It lists the pods that have not ended, and watches from there. A list is the truth: of a job whose pod is not in it,
// the pod has ended or is gone, and the job looks for itself. A watch is only believed as long as it tells of new pods.
// There are servers and proxies that accept a watch and tell nothing, or nothing new; so a job whose new pod the watch
// has not shown after a second looks for itself, and if it finds a change, it says so ([cluster.silent]); so do all jobs
// whose pods are older than a watch that has told nothing yet. Then, and where watches are refused or break again and
// again, the watcher lists every now and then instead, and tries a watch again after a while.
type watcher struct {
	cl    *cluster
	ns    string
	nudge chan struct{} // one slot: there is a new job

	// Guarded by cluster.mu.
	jobs  map[string]*job // by pod
	lists uint64
	kick  context.CancelCauseFunc // ends the watch under way; nil: there is none
	heard bool                    // the watch under way has told something
}

const (
	watchTime   = 5 * time.Minute
	resyncTime  = 10 * time.Minute // between lists, while the watch works
	quickPoll   = 200 * time.Millisecond
	slowPoll    = 3 * time.Second
	mistrustMin = time.Minute // how long a watch is not tried again
	mistrustMax = 30 * time.Minute
	shortWatch  = 5 * time.Second // one that ends earlier has failed, whatever it says
	maxFailures = 3               // of watches in a row, until there is none for a while
	idleTime    = 10 * time.Minute
	active      = "status.phase!=Succeeded,status.phase!=Failed"
)

type silence struct{}

func (silence) Error() string { return "the watch does not tell of new pods" }

// track has the pod of a job watched. Until it is known that the pod is the job's, another job of that name goes first.
func (cl *cluster) track(j *job, certain bool) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.closed {
		return
	}
	w := cl.watchers[j.ns]
	if w == nil {
		w = &watcher{cl: cl, ns: j.ns, nudge: make(chan struct{}, 1), jobs: map[string]*job{}}
		cl.watchers[j.ns] = w
		cl.wg.Go(w.run)
	}
	if certain || w.jobs[j.name] == nil {
		w.jobs[j.name] = j
	}
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

func (cl *cluster) untrackLocked(j *job) {
	if w := cl.watchers[j.ns]; w != nil && w.jobs[j.name] == j {
		delete(w.jobs, j.name)
	}
}

// silent says that the watch of a namespace has not told of a pod.
func (cl *cluster) silent(ns string) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if w := cl.watchers[ns]; w != nil && w.kick != nil {
		w.kick(silence{})
	}
}

// run goes on until the cluster is closed, or nothing has been there to watch for a while.
func (w *watcher) run() {
	var (
		lists    = kube.Backoff{Min: 250 * time.Millisecond, Max: 15 * time.Second}
		watches  = kube.Backoff{Min: 250 * time.Millisecond, Max: 15 * time.Second}
		failures int
		distrust = mistrustMin
		until    time.Time // when to try a watch again
		poll     = quickPoll
	)
	for w.cl.ctx.Err() == nil {
		if w.leave() {
			return
		}
		version, err := w.list()
		if err != nil {
			w.cl.complain("pods cannot be listed", w.ns, err)
			w.wait(lists.Next(err), false)
			continue
		}
		lists.Reset()
		if time.Now().Before(until) {
			if poll = min(poll*3/2, slowPoll); w.wait(poll, true) {
				poll = quickPoll
			}
			continue
		}
		from := time.Now()
		err = w.watch(version)
		switch lasted := time.Since(from); {
		case w.cl.ctx.Err() != nil:
			return
		case err == nil && lasted > shortWatch:
			watches.Reset()
			failures, distrust = 0, mistrustMin
			continue
		case kube.Expired(err) && lasted > shortWatch:
			continue
		case lasted > shortWatch: // it did work
			failures = 0
			watches.Reset()
		}
		failures++
		_, mute := errors.AsType[silence](err)
		switch code := kube.Code(err); {
		case mute, code == 403, code == 404, code == 405, code == 501, failures >= maxFailures:
			w.cl.complain("pods are polled, since they cannot be watched", w.ns, err)
			until, poll, failures = time.Now().Add(distrust), quickPoll, 0
			distrust = min(2*distrust, mistrustMax)
			watches.Reset()
		default:
			w.wait(watches.Next(err), false)
		}
	}
}

// complain logs what a watcher cannot do, unless it is only because it is to end.
func (cl *cluster) complain(what, ns string, err error) {
	if cl.ctx.Err() == nil {
		cl.cfg.Log.Warn(what, "namespace", ns, "error", err)
	}
}

// leave waits while there is nothing to watch, and reports whether the watcher has gone.
func (w *watcher) leave() bool {
	for {
		w.cl.mu.Lock()
		empty := len(w.jobs) == 0
		w.cl.mu.Unlock()
		if !empty || w.cl.ctx.Err() != nil {
			return false
		}
		if w.wait(idleTime, true) || w.cl.ctx.Err() != nil {
			continue
		}
		w.cl.mu.Lock()
		if len(w.jobs) == 0 {
			delete(w.cl.watchers, w.ns)
			w.cl.mu.Unlock()
			return true
		}
		w.cl.mu.Unlock()
	}
}

// wait waits for d, or with nudges until there is a new job. It reports whether there is.
func (w *watcher) wait(d time.Duration, nudges bool) bool {
	nudge := w.nudge
	if !nudges {
		nudge = nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-nudge:
		return true
	case <-t.C:
	case <-w.cl.ctx.Done():
	}
	return false
}

// trusts reports whether news of a job's pod will come by themselves. cl.mu is held, and the job is the caller's.
func (cl *cluster) trusts(j *job) bool {
	w := cl.watchers[j.ns]
	return w != nil && w.trusts(j)
}

// trusts reports the same of a job of this watcher. cl.mu is held.
func (w *watcher) trusts(j *job) bool {
	if w.kick == nil { // lists tell
		return j.listed
	}
	return j.shown || j.listed && w.heard
}

// list learns how all pods are, and has those jobs look for themselves whose pods are not there.
func (w *watcher) list() (version string, err error) {
	w.cl.mu.Lock()
	w.lists++
	number := w.lists
	for _, j := range w.jobs {
		j.awaited = number
	}
	w.cl.mu.Unlock()
	version, err = w.cl.api.ListPods(w.cl.ctx, w.ns, labelServer+"="+w.cl.cfg.Name, active, func(p *kube.Pod) {
		w.cl.mu.Lock()
		defer w.cl.mu.Unlock()
		if j := w.jobs[p.Metadata.Name]; j != nil {
			j.awaited, j.listed = 0, true
			w.cl.see(j, observe(p))
		}
	})
	if err != nil {
		return "", err
	}
	w.cl.mu.Lock()
	defer w.cl.mu.Unlock()
	for _, j := range w.jobs {
		if j.awaited != number {
			continue
		}
		j.check = true
		if j.live { // else it does so once it has a pod, which may have ended while we listed
			w.cl.wakeLocked(j)
		}
	}
	return version, nil
}

// watch hears of changes from a version on until it is time to list again (a nil error), or until it does not work.
func (w *watcher) watch(version string) error {
	ctx, cancel := context.WithCancelCause(w.cl.ctx)
	defer cancel(nil)
	w.cl.mu.Lock()
	w.kick, w.heard = cancel, false
	for _, j := range w.jobs { // those that left it to lists, of which there are few from now on
		if j.live && !w.trusts(j) {
			w.cl.wakeLocked(j)
		}
	}
	w.cl.mu.Unlock()
	defer func() {
		w.cl.mu.Lock()
		w.kick = nil
		w.cl.mu.Unlock()
	}()
	until := time.Now().Add(resyncTime)
	for {
		from := time.Now()
		var err error
		version, err = w.cl.api.WatchPods(ctx, w.ns, labelServer+"="+w.cl.cfg.Name, version, watchTime, w.hear)
		if _, mute := errors.AsType[silence](context.Cause(ctx)); mute {
			return silence{}
		}
		if err != nil || time.Now().After(until) || time.Since(from) < shortWatch {
			return err
		}
	}
}

// hear passes on what a watch tells.
func (w *watcher) hear(e *kube.Event) {
	w.cl.mu.Lock()
	defer w.cl.mu.Unlock()
	w.heard = true
	j := w.jobs[e.Pod.Metadata.Name]
	if j == nil {
		return
	}
	j.shown = true
	switch {
	case e.Type != kube.Deleted:
		w.cl.see(j, observe(&e.Pod))
	case !j.live: // its pod, perhaps, before the answer to the request that made it
		j.check = true
	case j.uid == e.Pod.Metadata.UID:
		w.cl.see(j, observe(&e.Pod)) // its last words
		w.cl.see(j, &state{gone: true})
	}
}
