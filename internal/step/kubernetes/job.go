package kubernetes

import (
	"context"
	"slices"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// job is one attempt, from the first time that the engine speaks of it until its end is reported.
type job struct {
	a    *step.Attempt
	kind *Kind

	// These belong to the worker that has the job.
	stage     stage
	ns, name  string
	ours      bool      // there is, or was, a pod of this attempt
	posted    bool      // a request to create one was made, and nobody knows what became of it
	refused   error     // why a pod was not made, while there may be one all the same
	failing   time.Time // since when what is being done fails; zero: it does not
	tries     kube.Backoff
	lookAt    time.Time // when to look at a pod that the watch has not shown
	lookAfter time.Duration
	warned    [hindrances]bool
	hindered  hindered
	deletions int
	discardAt time.Time // not before

	// The rest is guarded by cluster.mu.
	listeners []listener
	stop      bool   // somebody asked for its end
	found     bool   // an earlier process may have begun it
	told      bool   // that it runs; written by the worker
	uid       string // of the pod; written by the worker
	retell    bool   // somebody has not heard that it runs
	live      bool   // there is a pod to be seen
	done      bool

	queued, running, again bool
	timer                  *time.Timer

	seen    *state // the last that was heard
	shown   bool   // the watch has told of the pod
	listed  bool   // the pod was there before the watch, so that it need not
	check   bool   // a list did not have it
	awaited uint64 // the list that has yet to show the pod
}

// stage is how far a job has come.
type stage uint8

const (
	beginning  stage = iota // whether there is a pod is not known
	following               // there is one
	discarding              // the end is reported, the pod is to go
)

// listener is somebody who waits for the end of an attempt.
type listener struct {
	ctx  context.Context
	r    step.Reporter
	stop bool
}

// inbox is what has come in for a job since its last turn.
type inbox struct {
	seen                          *state
	trusting, check, stop, retell bool
}

// disarm forgets when the job was due. cluster.mu is held.
func (j *job) disarm() {
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
}

// fails says how long to wait after a failure, and whether it has gone on for longer than d.
func (j *job) fails(err error, d time.Duration) (wait time.Duration, enough bool) {
	if j.failing.IsZero() {
		j.failing = time.Now()
		j.tries = kube.Backoff{Min: 200 * time.Millisecond, Max: 10 * time.Second}
	}
	return j.tries.Next(err), time.Since(j.failing) > d
}

// works is called when something succeeded.
func (j *job) works() { j.failing = time.Time{} }

// doubtful reports whether a request to begin the pod may still be under way, though the pod has been there: one of a
// process that died, or one that was not answered.
func (j *job) doubtful() bool { return j.posted || j.a.Again }

// wanted reports whether anybody still listens.
func (cl *cluster) wanted(j *job) bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return j.wantedLocked()
}

func (j *job) wantedLocked() bool {
	return slices.ContainsFunc(j.listeners, func(l listener) bool { return l.ctx.Err() == nil })
}

// drop forgets a job that nobody listens to, unless somebody has just begun to.
func (cl *cluster) drop(j *job) time.Duration {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if j.wantedLocked() {
		return 0
	}
	cl.forgetLocked(j)
	j.done = true
	return idle
}

// forgetLocked takes a job off the lists by which others find it. cluster.mu is held.
func (cl *cluster) forgetLocked(j *job) {
	j.listeners, j.live = nil, false
	if cl.jobs[j.a.UUID] == j {
		delete(cl.jobs, j.a.UUID)
	}
	cl.untrackLocked(j)
}

// see makes what was learned of a pod known, and gives the job its turn if that matters. cluster.mu is held.
func (cl *cluster) see(j *job, s *state) {
	old := j.seen
	if old != nil && (old.over || old.gone) && !s.gone && s.uid == old.uid {
		return // news from before the end, such as an answer that was overtaken by the watch
	}
	if s.gone && old != nil { // how it was before says why
		c := *old
		c.gone = true
		s = &c
	}
	j.seen = s
	if j.live && s.news(old) {
		cl.wakeLocked(j)
	}
}
