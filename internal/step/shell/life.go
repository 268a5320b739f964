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
	id       string // of the attempt
	reporter step.Reporter
	cmd      *command

	slot       bool
	waited     time.Duration // for the slot
	told       bool          // that it is running
	begun      bool          // a supervisor that we launched said so
	supervisor birth         // the one we launched
	link       *link         // to it
	delivered  *ending       // what it said over the link
	strange    bool          // the directory was not known to be the attempt's when we came, though it should have been
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
			l.rt.slots.release(l.id)
		}
	}()
	var launches, stumbles int
	var cause error // of the last launch that came to nothing
	for ctx.Err() == nil {
		l.rt.at("look")
		st, lock, e, err := l.stand()
		switch {
		case errors.Is(err, fs.ErrNotExist) && l.began():
			l.untold(fmt.Errorf("the directory %s was removed while the process ran, and how it ended is not known", l.folder))
			return
		case errors.Is(err, fs.ErrNotExist) && stumbles < maxStumbles: // before anything began
			stumbles++
			if !l.made() {
				return
			}
		case err != nil && l.began():
			l.untold(fmt.Errorf("how the process ended is not known: %w", err))
			return
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
		case l.began(): // and not fresh, therefore
			lock.Close()
			l.untold(fmt.Errorf("the directory %s was emptied while the process ran, and how it ended is not known", l.folder))
			return
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

// made makes the directory of the attempt. It reports the failure of an attempt that cannot have one, or whose process
// ran elsewhere.
func (l *life) made() bool {
	if _, err := os.Lstat(string(l.folder)); errors.Is(err, fs.ErrNotExist) {
		host, ran := l.ranOn()
		if ran && host != l.rt.cfg.Host {
			l.untold(fmt.Errorf("its process ran on host %s, and nothing is known of it on host %s", host, l.rt.cfg.Host))
			return false
		}
		if ran {
			return true // it began here: what became of it is to be found out without a directory
		}
	}
	known, err := l.claim(l.a)
	l.strange = l.strange || !known && (l.a.Again || l.began())
	if errors.As(err, new(*foreignError)) {
		l.report(step.Report{State: step.PlatformError, Timeline: failure(step.PlatformError, err.Error())})
		return false
	}
	if err != nil && !l.began() {
		l.fail(step.PlatformError, fmt.Errorf("make the directory of the attempt: %w", err))
		return false
	}
	l.rt.at("made")
	return true
}

// began reports whether the process is known to have begun on this host.
func (l *life) began() bool {
	host, ran := l.ranOn()
	return l.told || l.begun || ran && host == l.rt.cfg.Host
}

// untold reports that nobody knows how the process ended.
func (l *life) untold(why error) {
	l.report(step.Report{State: step.PlatformError, Begun: true, Timeline: failure(step.PlatformError, why.Error())})
	l.reap()
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
	w, err := l.rt.slots.enter(l.id, false)
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
	if !l.slot && (l.exists(fileBegun) || !l.exists("")) { // it runs, whether there is room or not
		l.slot = l.rt.slots.acquire(ctx, l.id, true) == nil
	}
	l.running()
	patience := sweepAgain
	if !l.told && l.exists("") {
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
		if l.begun && l.sound() != nil {
			l.told = true
			l.report(step.Report{State: step.Continue, Artifacts: l.artifacts(artifact{}), Timeline: info("Started the process on host " + l.rt.cfg.Host)})
		}
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
