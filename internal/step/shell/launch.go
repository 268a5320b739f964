//go:build linux || darwin

package shell

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const handover = 30 * time.Second // for a supervisor to read what it is to do; it should take milliseconds

// launch starts a supervisor and hands the lock over to it. It returns when the process runs or could not begin; an
// error means that nothing has begun, and another supervisor may be launched.
func (l *life) launch(ctx context.Context, lock *os.File) error {
	defer lock.Close()
	t, err := l.task()
	if err != nil {
		return l.refuse(err)
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	var open []*os.File // all that is not ours to keep
	defer func() {
		for _, f := range open {
			f.Close()
		}
	}()
	in, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	open = append(open, in, tell)
	hello, say, err := os.Pipe()
	if err != nil {
		return err
	}
	open = append(open, say)
	if err := syscall.Mkfifo(l.path(fileAlive), 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "mkfifo", Path: l.path(fileAlive), Err: err}
	}
	alive, err := os.OpenFile(l.path(fileAlive), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	open = append(open, alive)
	crash, err := os.OpenFile(l.path(fileCrash), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	open = append(open, crash)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	open = append(open, null, hello)

	argv := append(append([]string(nil), l.rt.cfg.Supervisor...), string(l.folder))
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir:   "/",
		Env:   supervisorEnv,
		Files: []*os.File{in, null, crash, lock, alive, say},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("start the supervisor %s: %w", argv[0], err)
	}
	l.supervisor = birth{Supervisor: p.Pid, Start: startOf(p.Pid), Boot: bootID()}
	_ = p.Release() // waiting for it would cost a thread; its end is seen from the fifo
	l.rt.at("launched")
	for _, f := range []*os.File{in, say, alive, lock} {
		f.Close()
	}
	_ = tell.SetWriteDeadline(time.Now().Add(handover))
	if _, err := tell.Write(text); err != nil {
		return fmt.Errorf("tell the supervisor what to run: %w", err)
	}
	tell.Close()
	l.rt.at("told")

	letGo := context.AfterFunc(ctx, func() { _ = hello.SetReadDeadline(time.Now()) })
	defer letGo()
	said := bufio.NewReader(hello)
	switch c, _ := said.ReadByte(); c {
	case saysBegun:
		l.begun, open = true, open[:len(open)-1] // hello is kept
		l.link = &link{file: hello, in: said}
	case saysFailed:
		why, _ := io.ReadAll(io.LimitReader(said, 4<<10))
		return fmt.Errorf("begin the process: %s", why)
	}
	return nil
}

// supervisorEnv keeps the supervisor small: it mostly waits.
var supervisorEnv = []string{"GOMAXPROCS=2", "GOTRACEBACK=single"}

// refuse reports what no further try can change.
func (l *life) refuse(err error) error {
	e := &ending{Of: l.id, Failed: err.Error(), Started: time.Now().UnixMilli(), Ended: time.Now().UnixMilli()}
	return l.writeRecord(fileEnding, e, false)
}

// task says what a supervisor is to do.
func (l *life) task() (*task, error) {
	c := l.cmd
	if c.outputBytes > l.rt.cfg.MaxOutputBytes {
		return nil, fmt.Errorf("param [shell.max_output_bytes] is %d, but this server allows at most %d", c.outputBytes, l.rt.cfg.MaxOutputBytes)
	}
	argv, script, err := c.argv(&l.rt.cfg, l.path(fileScript))
	if err != nil {
		return nil, err
	}
	dir := c.dir
	if dir == "" {
		dir = l.path(dirWork)
	}
	t := &task{
		Of: l.id, Host: l.rt.cfg.Host, Argv: argv, Script: script, Env: c.environ(l.a, dir, l.path(fileOutput)),
		Dir: dir, Stdin: c.stdin, Grace: c.grace, OutputBytes: c.outputBytes,
	}
	if !l.a.Deadline.IsZero() {
		t.Deadline = l.a.Deadline.Add(l.waited + lateness).UnixMilli()
	}
	return t, nil
}
