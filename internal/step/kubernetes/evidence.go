package kubernetes

import (
	"context"
	"io"
	"strings"
	"time"

	"maestro/internal/kube"
)

// evidence is what can be found out about a pod that did not begin, or is not there any more.
type evidence struct {
	story   string   // what its state says
	events  []string // what the cluster has told about it, the latest first
	log     string   // the end of the log of the init container that failed
	pulling bool     // the latest event is that its image is being pulled
}

const (
	evidenceTime  = 10 * time.Second
	maxEvents     = 3
	suspectLines  = 20
	maxSuspectLog = 4 << 10
)

// evidence asks the cluster what it knows. An answer is not certain: this server may not be allowed to read events.
func (cl *cluster) evidence(j *job, s *state) *evidence {
	ctx, cancel := context.WithTimeout(cl.ctx, evidenceTime)
	defer cancel()
	e := &evidence{story: told(j, s)}
	if s.suspect != "" {
		e.log = cl.suspectLog(ctx, j, s.suspect)
	}
	all, _ := cl.api.Happenings(ctx, j.ns, j.name, j.uid)
	for i := len(all) - 1; i >= 0 && len(e.events) < maxEvents; i-- {
		h := &all[i]
		if i == len(all)-1 {
			e.pulling = h.Reason == "Pulling"
		}
		if text := because(h.Reason, h.Message); h.Warning && !strings.Contains(e.story, clause(h.Message)) {
			e.events = append(e.events, text)
		}
	}
	return e
}

// suspectLog returns the end of the log of an init container.
func (cl *cluster) suspectLog(ctx context.Context, j *job, container string) string {
	body, err := cl.api.PodLog(ctx, j.ns, j.name, kube.LogOptions{Container: container, TailLines: suspectLines})
	if err != nil {
		return ""
	}
	defer body.Close()
	end := tail{max: maxSuspectLog, lines: suspectLines}
	_, _ = io.Copy(&end, io.LimitReader(body, cl.cfg.MaxLogBytes))
	return strings.TrimSpace(end.String())
}

// line is all of it in one line.
func (e *evidence) line() string { return strings.Join(append([]string{e.story}, e.events...), "; ") }

// list is all of it, the cause first.
func (e *evidence) list() []string {
	all := append([]string{e.story}, e.events...)
	if e.log != "" {
		all = append(all, "The end of its log: "+e.log)
	}
	return all
}

// told is what the state of a pod says, for people.
func told(j *job, s *state) string { return "Kubernetes pod [" + j.name + "] " + s.story }
