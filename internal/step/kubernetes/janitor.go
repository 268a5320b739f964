package kubernetes

import (
	"time"

	"maestro/internal/kube"
)

const (
	sweepFirst = 10 * time.Minute // after which every engine that died has come back, and found its pods
	sweepMin   = time.Minute
	sweepMax   = 10 * time.Minute // between sweeps
	sweepLimit = 1000             // deletions in one sweep; the next goes on
)

// janitor deletes finished pods that are old, those that only keep a name, and those that have done their work and run on. It does one thing at a time and never
// more than so much at once, so that a cluster with a long backlog does not notice.
func (cl *cluster) janitor() {
	t := time.NewTimer(sweepFirst)
	defer t.Stop()
	for {
		select {
		case <-cl.ctx.Done():
			return
		case <-t.C:
		}
		for _, ns := range cl.namespaces() {
			if err := cl.sweep(ns, time.Now()); err != nil {
				cl.complain("old pods cannot be deleted", ns, err)
			}
		}
		pause := sweepMax
		if cl.cfg.TTL > 0 {
			pause = min(max(cl.cfg.TTL/4, sweepMin), sweepMax)
		}
		t.Reset(pause)
	}
}

// namespaces are those where there may be pods, as far as this process knows.
func (cl *cluster) namespaces() []string {
	all := []string{cl.cfg.Namespace}
	seen := map[string]bool{cl.cfg.Namespace: true}
	add := func(ns string) {
		if !seen[ns] {
			seen[ns] = true
			all = append(all, ns)
		}
	}
	for _, ns := range cl.cfg.Namespaces {
		add(ns)
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	for ns := range cl.watchers {
		add(ns)
	}
	return all
}

// sweep deletes what is old in one namespace.
func (cl *cluster) sweep(ns string, now time.Time) error {
	type old struct{ name, uid string }
	var found []old
	_, err := cl.api.ListPods(cl.ctx, ns, labelServer+"="+cl.cfg.Name, "", func(p *kube.Pod) {
		if len(found) < sweepLimit && cl.expired(p, now) {
			found = append(found, old{p.Metadata.Name, p.Metadata.UID})
		}
	})
	if err != nil {
		return err
	}
	for _, o := range found {
		if err := cl.api.DeletePod(cl.ctx, ns, o.name, o.uid, idle); err != nil && kube.Code(err) != 404 && kube.Code(err) != 409 {
			return err
		}
	}
	return nil
}

// expired reports whether nobody needs a pod any more. One whose times cannot be told stays.
func (cl *cluster) expired(p *kube.Pod, now time.Time) bool {
	if p.Metadata.Annotations[annotationStep] == "" || p.Metadata.Annotations[annotationInstallation] != cl.cfg.Installation {
		return false
	}
	s := observe(p)
	ttl, at := cl.cfg.TTL, s.finished
	switch {
	case !s.deleting.IsZero():
		return false
	case s.lingers && s.hindered != tombstoned: // of an engine that died before it ended what runs on
		ttl = sweepFirst
	case !s.rests && s.hindered != tombstoned || ttl <= 0:
		return false
	case at.IsZero():
		at = kube.Time(p.Metadata.CreationTimestamp)
	}
	if at.IsZero() || now.Sub(at) < ttl {
		return false
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	w := cl.watchers[p.Metadata.Namespace]
	return w == nil || w.jobs[p.Metadata.Name] == nil // nobody is about to report how it ended
}
