//go:build linux || darwin

package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"maestro/internal/step"
)

const knockAgain = time.Second // a supervisor that heard us needs no second knock; one that could not open its door does

// stop makes sure that no process of the attempt runs, and never will, and says so.
func (l *life) stop(ctx context.Context) {
	known, err := l.claim(l.a)
	l.strange = !known
	switch {
	case errors.As(err, new(*foreignError)):
		l.report(step.Report{State: step.Stopped, Timeline: []step.Line{{Level: step.Warn, Message: "Nothing was stopped: " + err.Error()}}})
		return
	case err != nil && !l.exists(""):
		if _, lives := l.supervised(); !lives {
			l.halted(nil, err) // what cannot have a directory cannot begin
			return
		}
	}
	for stumbles := 0; ctx.Err() == nil; {
		marked := l.mark()
		l.rt.slots.drop(l.id)
		l.rt.at("marked")
		st, lock, e, err := l.stand()
		switch {
		case err != nil && stumbles == maxStumbles:
			l.halted(nil, err) // nothing lives that could be stopped, and nothing can begin
			return
		case err != nil:
			stumbles++
			l.rt.cfg.Log.Warn("shell step cannot be looked at while it is stopped", "attempt", l.a.UUID, "err", err)
			l.knock()
			l.pause(ctx)
		case st == ended:
			l.halted(e, nil)
			return
		case st == lost:
			if e := l.bury(ctx, lock); e != nil {
				l.halted(e, nil)
			}
			return
		case st == fresh:
			l.settleStopped(lock)
			l.halted(nil, marked)
			return
		default:
			l.knock()
			if l.await(ctx, knockAgain) {
				l.pause(ctx)
			}
		}
	}
}

// mark leaves word that nothing may begin any more.
func (l *life) mark() error {
	file, err := os.OpenFile(l.path(fileStop), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// knock asks the supervisor, if there is one, to stop the process: through its fifo, or by a signal if that is gone.
func (l *life) knock() {
	if door, err := os.OpenFile(l.path(fileControl), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		_, _ = door.Write([]byte{'s'}) // a full fifo holds requests enough
		door.Close()
		return
	}
	if b, lives := l.supervised(); lives {
		_ = syscall.Kill(b.Supervisor, syscall.SIGUSR1)
	}
}

// settleStopped makes it final that the attempt was stopped before it began, and gives up the lock.
func (l *life) settleStopped(lock *os.File) {
	if err := l.writeRecord(fileEnding, &ending{Of: l.id, Stopped: true}, false); err != nil {
		l.rt.cfg.Log.Warn("the end of a stopped shell step is not recorded", "attempt", l.a.UUID, "err", err)
	}
	lock.Close()
}

// halted reports that the attempt is stopped. e is nil if there never was a process.
func (l *life) halted(e *ending, unmarked error) {
	if e == nil {
		e = &ending{Stopped: true}
	}
	r := l.outcome(e)
	r.State, r.Output = step.Stopped, nil
	if !e.Stopped {
		r.Timeline = []step.Line{{Level: step.Info, Message: "Stopped; the process had ended already"}}
	}
	if host, ran := l.ranOn(); ran && !e.Begun && host != l.rt.cfg.Host {
		r.Timeline = append(r.Timeline, step.Line{Level: step.Warn, Message: fmt.Sprintf("its process ran on host %s, which host %s cannot reach: it may still be running", host, l.rt.cfg.Host)})
	}
	if unmarked != nil {
		l.rt.cfg.Log.Warn("a stopped shell step could not be marked", "attempt", l.a.UUID, "err", unmarked)
	}
	l.report(r)
	l.reap()
}

// bury takes care of an attempt whose supervisor died: it ends what is left of its processes and records that nobody
// knows how it ended. It returns nil if the server stops meanwhile.
func (l *life) bury(ctx context.Context, lock *os.File) *ending {
	defer lock.Close()
	e := &ending{Of: l.id, Begun: true, Ended: time.Now().UnixMilli(), Lost: "its supervisor was killed"}
	if b, _ := readRecord[birth](l.folder, fileBegun); b != nil {
		e.Lost = fmt.Sprintf("its supervisor (process %d) was killed", b.Supervisor)
		if b.Boot != bootID() {
			e.Lost = "the machine was restarted while it ran"
		} else {
			for l.pauses = 3; ; l.pause(ctx) {
				left := leftOf(b)
				if len(left) == 0 {
					break
				}
				for _, pid := range left {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				if ctx.Err() != nil {
					return nil
				}
			}
		}
	}
	if p, _ := readRecord[process](l.folder, fileProcess); p != nil {
		e.Pid, e.Started = p.Pid, p.Started
	}
	e.Stdout, e.Stderr = lastOf(string(l.folder), streams[0]), lastOf(string(l.folder), streams[1])
	if l.folder.stopped() {
		e.Stopped = true
	}
	if err := l.writeRecord(fileEnding, e, true); err != nil {
		l.rt.cfg.Log.Warn("the loss of a shell step is not recorded", "attempt", l.a.UUID, "err", err)
	}
	return e
}

// leftOf returns the processes that a dead supervisor left behind: those of its session. While one of them lives the
// system gives its number to nobody else, so another process with that number means that none does.
func leftOf(b *birth) []int {
	if now := startOf(b.Supervisor); now != 0 && now != b.Start {
		return nil
	}
	return sessionMembers(b.Supervisor, b.Start)
}

// reap takes the exit of the supervisor if it is a child of this process, so that no zombie stays. It ends about now.
func (l *life) reap() {
	b := l.supervisor
	if e, _ := l.ending(); b.Supervisor == 0 && e != nil {
		b = e.By
	}
	if known, _ := readRecord[birth](l.folder, fileBegun); b.Supervisor == 0 && known != nil {
		b = *known
	}
	if b.Supervisor == 0 || b.Boot != bootID() {
		return
	}
	for try := range 50 {
		if !ours(b.Supervisor, b.Start) {
			return
		}
		if pid, err := syscall.Wait4(b.Supervisor, nil, syscall.WNOHANG, nil); pid != 0 && err != syscall.EINTR {
			return
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
}
