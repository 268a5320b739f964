//go:build linux || darwin

package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"maestro/internal/step"
)

const (
	maxLaunches = 3                     // of supervisors that die before anything begins
	maxStumbles = 10                    // looks at a directory that fail, with growing pauses: about 10 s
	newsTime    = 20 * time.Millisecond // between looks for the process, while it is not known
	sweepAgain  = 30 * time.Second      // between looks at what should have been told; never the normal way
	lateness    = 30 * time.Second      // after which a supervisor enforces the deadline that the engine did not
)

// life is what one goroutine knows about one attempt. It belongs to that goroutine.
type life struct {
	folder
	rt       *Runtime
	a        *step.Attempt
	reporter step.Reporter
	cmd      *command

	slot       bool
	waited     time.Duration // for the slot
	told       bool          // that it is running
	supervisor birth         // the one we launched
	pauses     int           // in a row
}

// start brings the attempt to its end, from wherever it stands.
func (l *life) start(ctx context.Context) {
	cmd, err := decode(l.a.Params, &l.rt.cfg)
	if err != nil {
		l.fail(step.FatalError, err)
		return
	}
	l.cmd = cmd
	if !l.made() {
		return
	}
	defer func() {
		if l.slot {
			l.rt.slots.release(l.a.UUID)
		}
	}()
	var launches, stumbles int
	var cause error // of the last launch that came to nothing
	for ctx.Err() == nil {
		l.rt.at("look")
		st, lock, e, err := l.look()
		switch {
		case err != nil:
			if stumbles++; stumbles > maxStumbles {
				l.knock() // it may be running, and the next attempt will be
				l.fail(step.PlatformError, fmt.Errorf("look at the attempt: %w", err))
				return
			}
			l.pause(ctx)
		case st == ended:
			l.tell(e)
			return
		case st == lost:
			if e := l.bury(ctx, lock); e != nil {
				l.tell(e)
			}
			return
		case st == busy:
			l.follow(ctx)
		case l.stopped():
			l.settleStopped(lock)
			l.tell(&ending{Stopped: true})
			return
		case !l.slot:
			lock.Close()
			if !l.enqueue(ctx) {
				return
			}
		default:
			if launches++; launches > maxLaunches {
				lock.Close()
				l.fail(step.PlatformError, fmt.Errorf("%d supervisors ended before they began the process: %w", maxLaunches, cause))
				return
			}
			if launches > 1 {
				l.reap() // the one that came to nothing
			}
			l.rt.at("locked")
			cause = errors.New("they gave no reason")
			if err := l.launch(ctx, lock); err != nil {
				cause = err
				l.pause(ctx)
			}
		}
	}
}

// made makes the directory of the attempt. It reports the failure of an attempt that must have had one.
func (l *life) made() bool {
	if _, err := os.Lstat(string(l.folder)); err == nil {
		return true
	}
	if host, ran := l.ranOn(); ran {
		reason := fmt.Errorf("its process ran on host %s, and nothing is known of it on host %s", host, l.rt.cfg.Host)
		if host == l.rt.cfg.Host {
			reason = fmt.Errorf("its process ran on this host, but its directory %s is gone", l.folder)
		}
		l.report(step.Report{State: step.PlatformError, Begun: true, Timeline: failure(step.PlatformError, reason.Error())})
		return false
	}
	if err := os.Mkdir(string(l.folder), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		l.fail(step.PlatformError, fmt.Errorf("make the directory of the attempt: %w", err))
		return false
	}
	l.rt.at("made")
	return true
}

// ranOn tells from the artifacts whether the process was running already, and where.
func (l *life) ranOn() (host string, ran bool) {
	var known struct{ Host string }
	ran = l.a.Artifacts[artifactKey] != nil && json.Unmarshal(l.a.Artifacts[artifactKey], &known) == nil
	return known.Host, ran
}

// enqueue waits for a slot. It reports false if the attempt is over, which has been reported, or the server stops.
func (l *life) enqueue(ctx context.Context) bool {
	from := time.Now()
	w, err := l.rt.slots.enter(l.a.UUID, false)
	if w != nil {
		place := l.rt.slots.what()
		l.report(step.Report{State: step.Continue, Waits: place, Timeline: info("Waits for " + place)})
		err = l.rt.slots.wait(ctx, w)
	}
	switch {
	case err == nil:
		l.slot, l.waited = true, time.Since(from)
		return true
	case errors.Is(err, errStopped):
		l.tell(&ending{Stopped: true})
	case ctx.Err() == nil:
		l.fail(step.PlatformError, err)
	}
	return false
}

// follow waits until there is something new to see of an attempt that somebody is in charge of.
func (l *life) follow(ctx context.Context) {
	if _, err := os.Lstat(l.path(fileBegun)); err == nil && !l.slot { // it runs, whether there is room or not
		l.slot = l.rt.slots.acquire(ctx, l.a.UUID, true) == nil
	}
	l.running()
	patience := sweepAgain
	if !l.told {
		patience = newsTime
	}
	if l.await(ctx, patience) { // over, or not begun: the lock is about to change hands
		l.pause(ctx)
		return
	}
	l.pauses = 0
}

// running tells that the process runs, once.
func (l *life) running() {
	if l.told {
		return
	}
	p, err := readRecord[process](l.folder, fileProcess)
	if p == nil || err != nil {
		return
	}
	l.told = true
	l.report(step.Report{State: step.Continue, Artifacts: l.artifacts(artifact{Pid: p.Pid, Start: p.Started}), Timeline: l.beginning(p)})
}

// pause waits longer each time, the first time not at all.
func (l *life) pause(ctx context.Context) {
	d := min(time.Millisecond<<min(l.pauses, 12)>>1, 2*time.Second)
	l.pauses++
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// tell reports the end of the attempt.
func (l *life) tell(e *ending) {
	l.report(l.outcome(e))
	l.reap()
}

// fail reports that an attempt failed before there was a process.
func (l *life) fail(state step.State, err error) {
	l.report(step.Report{State: state, Begun: l.told, Timeline: failure(state, err.Error())})
	l.reap()
}
