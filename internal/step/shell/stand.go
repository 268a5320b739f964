//go:build linux || darwin

package shell

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"
)

// stand is look for a directory that may have been removed, replaced or emptied by the process that works in it: nothing
// counts as not begun, as lost or as unreadable as long as a supervisor of the attempt lives.
func (l *life) stand() (st standing, lock *os.File, e *ending, err error) {
	for last := false; ; last = true {
		if l.delivered != nil {
			return ended, nil, l.delivered, nil
		}
		if err = l.sound(); err == nil {
			st, lock, e, err = l.look()
		} else if e, _ = l.ending(); e != nil {
			st, err = ended, nil
		}
		if err == nil && st == ended && e.Of != "" && e.Of != l.id {
			return ended, nil, nil, &foreignError{"the ending in " + string(l.folder) + " is of another attempt"}
		}
		plain := err == nil && (st == ended || st == busy || st == fresh && !l.strange && l.supervisor.Supervisor == 0)
		if plain || last {
			return st, lock, e, err
		}
		if lock != nil {
			lock.Close()
		}
		if _, lives := l.supervised(); lives {
			return busy, nil, nil, nil
		}
		// It does not live now; so whatever it had to say is there at the next look.
	}
}

// supervised returns the supervisor of the attempt, if one lives. It is told from other processes, which may have got its
// number, by its start and by the directory that it was started for.
func (l *life) supervised() (birth, bool) {
	if l.supervisor.lives() {
		return l.supervisor, true
	}
	if b, _ := readRecord[birth](l.folder, fileBegun); b != nil && b.lives() {
		return *b, true
	}
	for _, pid := range supervisorsOf(string(l.folder)) {
		if b := (birth{Boot: bootID(), Supervisor: pid, Start: startOf(pid)}); b.lives() {
			return b, true
		}
	}
	return birth{}, false
}

// lives reports whether a supervisor is still there. An exit that nobody has taken is none.
func (b birth) lives() bool {
	return b.Supervisor != 0 && b.Boot == bootID() && isAlive(b.Supervisor, b.Start)
}

// link is the pipe over which a supervisor tells the server that launched it what the directory cannot.
type link struct {
	file *os.File
	in   *bufio.Reader
	said []byte
}

// await waits until there is something new: it reports true once nobody is in charge of the attempt any more.
func (l *life) await(ctx context.Context, d time.Duration) bool {
	if l.link == nil {
		return l.folder.await(ctx, d)
	}
	_ = l.link.file.SetReadDeadline(time.Now().Add(d))
	defer context.AfterFunc(ctx, func() { _ = l.link.file.SetReadDeadline(time.Unix(1, 0)) })()
	text, err := io.ReadAll(l.link.in)
	l.link.said = append(l.link.said, text...)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if e := new(ending); len(l.link.said) > 0 && json.Unmarshal(l.link.said, e) == nil {
		l.delivered = e
	}
	l.unlink()
	return true
}

func (l *life) unlink() {
	if l.link != nil {
		l.link.file.Close()
		l.link = nil
	}
}
