//go:build linux || darwin

package shell

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"maestro/internal/output"
)

const (
	drainTime  = 2 * time.Second        // for what it left behind to write what is left to write
	escapeTime = 200 * time.Millisecond // for output held by a process that left the session
	sweepTime  = 20 * time.Millisecond  // between first looks at what is left of the group
	sweepMost  = time.Second            // between later ones, at processes that even SIGKILL does not end soon
)

// child is the process and what belongs to it: its group, its output.
type child struct {
	pid   int
	began time.Time
	err   error // first thing that went wrong beside it

	exit chan syscall.WaitStatus // its own end
	gone chan struct{}           // closed when no descendant is left, where that is known

	pipes    []*os.File
	captured sync.WaitGroup
	logs     []*logWriter
	tails    [2]*tail
	marks    *output.Marks
}

func (c *child) note(err error) {
	if c.err == nil {
		c.err = err
	}
}

// start begins the process.
func (s *supervisor) start() (*child, error) {
	path, err := s.prepare()
	if err != nil {
		return nil, err
	}
	c := &child{exit: make(chan syscall.WaitStatus, 1), gone: make(chan struct{}), marks: new(output.Marks)}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	in, feed, err := stdin(s.task.Stdin)
	if err != nil {
		return nil, err
	}
	theirs = append(theirs, in)
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		c.pipes = append(c.pipes, r)
		theirs = append(theirs, w)
	}
	c.pid, err = syscall.ForkExec(path, s.task.Argv, &syscall.ProcAttr{
		Env:   s.task.Env,
		Files: []uintptr{theirs[0].Fd(), theirs[1].Fd(), theirs[2].Fd()},
		Sys:   processAttr(),
	})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (the file is there: what its first line names as interpreter is probably missing)", err)
		}
		if errors.Is(err, syscall.E2BIG) {
			err = fmt.Errorf("%w: args and env together are larger than this system takes; large values belong into stdin or a file", err)
		}
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	c.began = time.Now()
	go c.reap()
	go feed()
	for i, stream := range streams {
		w := &logWriter{dir: string(s.folder), stream: stream, limit: s.task.OutputBytes}
		c.tails[i] = &tail{max: tailBytes}
		s.logs = append(s.logs, w)
		to := io.MultiWriter(w, c.tails[i])
		if i == 0 {
			to = io.MultiWriter(w, c.tails[i], c.marks)
		}
		c.captured.Go(func() {
			defer w.Close()
			_, _ = io.CopyBuffer(onlyWriter{to}, c.pipes[i], make([]byte, 32<<10))
		})
	}
	c.logs = s.logs
	return c, nil
}

// onlyWriter keeps io.Copy from clever ways to write.
type onlyWriter struct{ io.Writer }

// prepare makes what the process needs, goes to its directory and finds its executable.
func (s *supervisor) prepare() (string, error) {
	if s.task.Script != "" {
		if err := os.WriteFile(s.path(fileScript), []byte(s.task.Script), 0o600); err != nil {
			return "", err
		}
	}
	if s.task.Dir == s.path(dirWork) {
		if err := os.Mkdir(s.task.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	if err := os.Chdir(s.task.Dir); err != nil {
		return "", fmt.Errorf("go to the working directory: %w", err)
	}
	for _, kv := range s.task.Env { // programs are looked up as the step's own PATH says
		if path, ok := bytes.CutPrefix([]byte(kv), []byte("PATH=")); ok {
			os.Setenv("PATH", string(path))
		}
	}
	path, err := exec.LookPath(s.task.Argv[0])
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	return filepath.Abs(path)
}

// stdin returns the standard input of the process, and what has to be done for it once the process runs.
func stdin(text string) (in *os.File, feed func(), err error) {
	if text == "" {
		in, err = os.Open(os.DevNull)
		return in, func() {}, err
	}
	r, w, err := os.Pipe()
	return r, func() {
		_, _ = io.WriteString(w, text) // fails when nobody reads it, which is no concern of ours
		w.Close()
	}, err
}

// reap takes the exits of the process and of all orphans that come to us.
//
// Between the moment the process is reaped and the moment the rest of its group is killed, its pid could in theory be
// given to somebody else, if all others were given out in these microseconds and nothing else was left of the group.
func (c *child) reap() {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			if orphansComeToUs {
				close(c.gone)
			}
			return
		case pid == c.pid && !ws.Stopped():
			c.exit <- ws
		}
	}
}

// watch waits for the end of the process and of all it leaves behind, and ends it when asked to or at the deadline.
func (c *child) watch(asked <-chan struct{}, grace time.Duration, deadline <-chan time.Time) *ending {
	e := &ending{Begun: true, Pid: c.pid, Started: c.began.UnixMilli()}
	var kill <-chan time.Time
	again := sweepTime
	stop := func() {
		if kill == nil {
			_ = syscall.Kill(-c.pid, syscall.SIGTERM)
			_ = syscall.Kill(-c.pid, syscall.SIGCONT) // one that is suspended could not obey
			kill = time.After(grace)
		}
	}
	for running := true; running; {
		select {
		case ws := <-c.exit:
			e.Ended, e.Exit = time.Now().UnixMilli(), ws.ExitStatus()
			if ws.Signaled() {
				e.Signal = int(ws.Signal())
			}
			running = false
		case <-asked:
			e.Stopped = true
			stop()
		case <-deadline:
			e.TimedOut = true
			stop()
		case <-kill:
			c.kill()
			kill = time.After(again) // until it works: somebody may have been forking meanwhile
			again = min(2*again, sweepMost)
		}
	}
	c.settle(e, asked, kill)
	e.Stdout, e.Stderr = c.tails[0].String(), c.tails[1].String()
	section := c.marks.Section()
	e.Marked, e.TooMarked, e.Unended = section.Text, section.TooLong, section.Open
	for _, w := range c.logs {
		if w.err != nil {
			c.note(fmt.Errorf("store %s: %w", w.stream, w.err))
		}
	}
	if c.err != nil {
		e.LogError = c.err.Error()
	}
	return e
}

// settle ends what the process left behind. Who still holds its output gets a moment to finish, as in `exec > >(tee
// log)`, or what is left of the grace if the process was stopped.
func (c *child) settle(e *ending, asked <-chan struct{}, kill <-chan time.Time) {
	drained := make(chan struct{})
	go func() {
		c.captured.Wait()
		close(drained)
	}()
	stopping := kill != nil
	if !stopping {
		kill = time.After(drainTime)
	}
	again := sweepTime
	done, killed := drained, false
	for !c.left() {
		if killed {
			c.kill()
		}
		select {
		case <-c.gone:
		case <-time.After(again):
			again = min(again*5/4, sweepMost)
		case <-done:
			done = nil
			if !stopping { // all output is there: who is left, if he does not end right now, has nothing to say
				kill = time.After(sweepTime)
			}
		case <-asked:
			e.Stopped, killed = true, true
		case <-kill:
			e.Remains, killed = !stopping, true
		}
	}
	select {
	case <-drained:
	case <-time.After(escapeTime):
		for _, p := range c.pipes { // held by somebody who left the session
			p.Close()
		}
		<-drained
	}
}

// left reports whether nobody is left of the group and the session. Zombies do not count: their parent may have gone
// its own way, and nothing ends them before him.
func (c *child) left() bool {
	select {
	case <-c.gone:
		return true
	default:
	}
	if orphansComeToUs {
		return len(sessionMembers(os.Getpid(), 0)) == 0
	}
	return syscall.Kill(-c.pid, 0) != nil
}

// kill ends the group, and whoever in the session is not in it, as shells with job control arrange.
func (c *child) kill() {
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	for _, pid := range sessionMembers(os.Getpid(), 0) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
