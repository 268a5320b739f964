//go:build linux || darwin

package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// task is what a server tells a supervisor, through its standard input: it holds secrets of the step, which have no
// business on the disk or among the arguments of a process.
type task struct {
	Of          string // identity of the attempt
	Host        string
	Argv        []string
	Script      string `json:",omitempty"` // put into a file first
	Env         []string
	Dir         string
	Stdin       string `json:",omitempty"`
	Grace       time.Duration
	OutputBytes int64
	Deadline    int64 `json:",omitempty"` // epoch milliseconds: nobody stopped it in time; 0: never
}

// Files that a supervisor inherits, from 3 on.
const (
	fdLock  = 3 + iota // held for as long as the supervisor lives
	fdAlive            // the same; its closing tells the server of the end
	fdHello            // says whether the process runs, and how it ended if the directory does not take that; see link
	fdEnd
)

// What a supervisor says first.
const (
	saysBegun  = '+' // the process runs
	saysFailed = '-' // it could not begin, for the reason that follows
)

// Supervise is the life of a supervisor: the server's executable calls it when it was started with the arguments of
// [Config.Supervisor], with the arguments that follow those, and exits with its result.
func Supervise(args []string) int { return supervise(args, func(string) {}) }

// supervise calls at between its steps, for tests that end it there.
func supervise(args []string, at func(step string)) int {
	runtime.LockOSThread() // the process dies with the thread that started it, see processAttr
	for fd := fdLock; fd < fdEnd; fd++ {
		syscall.CloseOnExec(fd)
	}
	closeInherited()
	hello := os.NewFile(fdHello, "hello")
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "this command is for the server's own use")
		return 2
	}
	// A hangup, a Ctrl-C in the server's terminal or a service manager that ends everything must not keep us from
	// telling how the process ended. Caught, not ignored: the process would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	asked := make(chan os.Signal, 1) // to stop, by a server that does not find our fifo
	signal.Notify(asked, syscall.SIGUSR1)

	s := &supervisor{asked: asked, folder: folder(args[0]), hello: hello, at: at, born: birth{Boot: bootID(), Supervisor: os.Getpid()}}
	s.born.Start = startOf(s.born.Supervisor)
	if err := json.NewDecoder(os.Stdin).Decode(&s.task); err != nil {
		return 1 // the server died before it had told us what to do
	}
	os.Stdin.Close()
	s.born.Host = s.task.Host
	at("told")
	if err := s.run(); err != nil {
		_, _ = hello.WriteString(string(saysFailed) + err.Error())
		return 1
	}
	return 0
}

// closeInherited closes what the server itself was given and passes on unknowingly, such as a listening socket of a
// service manager: held by us, it would keep the next server from listening. What this process opens is not passed on,
// and so told apart.
func closeInherited() {
	names, err := os.ReadDir("/dev/fd")
	if err != nil {
		return
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name.Name())
		if err != nil || fd < fdEnd {
			continue
		}
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			syscall.Close(fd)
		}
	}
}

// supervisor runs one process from its beginning to its end. All its methods are called by one goroutine.
type supervisor struct {
	folder
	task  task
	asked <-chan os.Signal
	born  birth
	hello *os.File
	at    func(step string)

	logs []*logWriter
}

// run returns an error if nothing began.
func (s *supervisor) run() error {
	if e, err := s.ending(); e != nil || err != nil {
		return err
	}
	asked, err := s.control()
	if err != nil {
		return err
	}
	if s.stopped() { // looked at after control is open: whoever stops us leaves the mark before he knocks
		return s.end(&ending{Stopped: true})
	}
	if err := s.begin(s.born); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // begun before, and lost: that is for a server to say
		}
		return err
	}
	s.at("begun")
	adoptOrphans()
	p, err := s.start()
	if err != nil {
		now := time.Now().UnixMilli()
		return s.end(&ending{Failed: err.Error(), Transient: transient(err) || !s.exists(""), Started: now, Ended: now})
	}
	s.at("started")
	record := process{Pid: p.pid, Started: p.began.UnixMilli()}
	if err := s.writeRecord(fileProcess, record, false); err != nil {
		p.note(err) // the server tells less, nothing else depends on it
	}
	s.at("recorded")
	_, _ = s.hello.Write([]byte{saysBegun}) // nobody may be there to hear it
	e := p.watch(asked, s.task.Grace, s.deadline())
	s.at("ended")
	return s.end(e)
}

// control opens the fifo on which we are asked to stop; every byte is such a request.
func (s *supervisor) control() (<-chan struct{}, error) {
	if err := syscall.Mkfifo(s.path(fileControl), 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &fs.PathError{Op: "mkfifo", Path: s.path(fileControl), Err: err}
	}
	file, err := os.OpenFile(s.path(fileControl), os.O_RDWR, 0) // a writer of our own: reading never ends
	if err != nil {
		return nil, err
	}
	asked := make(chan struct{}, 1)
	ask := func() {
		select {
		case asked <- struct{}{}:
		default:
		}
	}
	go func() {
		var buf [16]byte
		for {
			if n, err := file.Read(buf[:]); n == 0 || err != nil {
				return
			}
			ask()
		}
	}()
	go func() {
		for range s.asked {
			ask()
		}
	}()
	return asked, nil
}

func (s *supervisor) deadline() <-chan time.Time {
	if s.task.Deadline == 0 {
		return nil
	}
	return time.After(time.Until(time.UnixMilli(s.task.Deadline)))
}

// end writes the ending, beside the directory if that does not take it. It matters more than anything else that is on the
// disk: if there is no room for it, the log gives way, and then it is tried for a while. The server that launched us, if it
// is still there, need not wait for that.
func (s *supervisor) end(e *ending) error {
	defer func() {
		os.Remove(s.path(fileControl))
		os.Remove(s.path(fileAlive))
		if info, err := os.Stat(s.path(fileCrash)); err == nil && info.Size() == 0 {
			os.Remove(s.path(fileCrash))
		}
	}()
	e.Of, e.By = s.task.Of, s.born
	if e.Begun && s.sound() != nil && e.LogError == "" {
		e.LogError = "the directory of the attempt was removed or replaced while it ran"
	}
	if e.Stopped && !s.exists("") { // who stopped it and then removed it asks for nothing else
		return nil
	}
	var err error
	for try := range 60 {
		if err = s.writeEnding(e); err == nil {
			return nil
		}
		if try == 2 && e.Begun { // removing the log did not help
			if text, err := json.Marshal(e); err == nil {
				_, _ = s.hello.Write(text)
			}
			s.hello.Close()
		}
		for _, w := range s.logs {
			w.discard()
		}
		e.LogError = "it was removed to make room on the disk: " + err.Error()
		if try > 0 {
			e.Stdout, e.Stderr = "", ""
			time.Sleep(time.Second)
		}
	}
	return fmt.Errorf("write how the process ended: %w", err)
}

func (s *supervisor) writeEnding(e *ending) error {
	err := s.sound()
	if err == nil {
		err = s.writeRecord(fileEnding, e, true)
	}
	if err == nil {
		return nil
	}
	if os.MkdirAll(filepath.Dir(s.beside()), 0o700) == nil && writeJSON(s.beside(), e, true) == nil {
		return nil
	}
	return err
}

// transient reports whether starting a process may work a moment later.
func transient(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ETXTBSY, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
