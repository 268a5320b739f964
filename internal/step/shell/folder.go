//go:build linux || darwin

package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// folder is the directory of one attempt; doc.go lists what is in it.
type folder string

const (
	fileLock    = "lock"
	fileAlive   = "alive"
	fileControl = "control"
	fileStop    = "stop"
	fileBegun   = "begun"
	fileProcess = "process"
	fileEnding  = "ending"
	fileOutput  = "output"
	fileOwner   = "attempt"
	fileScript  = "script"
	fileCrash   = "supervisor.log" // what the supervisor says when it dies of a bug
	dirWork     = "work"
)

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// beside is where the ending is put if the directory does not take it: it was removed, or replaced.
func (f folder) beside() string { return string(f) + besideSuffix }

const besideSuffix = ".ending"

// birth says who was about to begin the process.
type birth struct {
	Host       string
	Boot       string // differs after the machine has restarted
	Supervisor int    // its pid, which is also the session of all that it starts
	Start      uint64 // when the supervisor started, in the system's own measure; 0: unknown
}

// process says which process does the work.
type process struct {
	Pid     int
	Started int64 // epoch milliseconds
}

// ending says how an attempt ended. There is at most one per attempt, and it never changes.
type ending struct {
	Of        string `json:",omitempty"` // identity of the attempt
	Begun     bool   // there was a process
	Pid       int    `json:",omitempty"`
	Started   int64  `json:",omitempty"` // epoch milliseconds
	Ended     int64  `json:",omitempty"`
	Exit      int    // exit code, -1 if a signal ended it
	Signal    int    `json:",omitempty"`
	Stopped   bool   `json:",omitempty"` // on request, or before it began
	TimedOut  bool   `json:",omitempty"` // by the supervisor, since nobody stopped it in time
	Failed    string `json:",omitempty"` // why there was no process
	Transient bool   `json:",omitempty"` // Failed may go away by itself
	Lost      string `json:",omitempty"` // why nobody knows how it ended
	By        birth  // the supervisor that says so

	Stdout    string  `json:",omitempty"` // the last of it, UTF-8
	Stderr    string  `json:",omitempty"`
	Marked    *string `json:",omitempty"` // what stood between the last output tokens
	TooMarked bool    `json:",omitempty"` // more stood there than output data may have
	Unended   bool    `json:",omitempty"` // an object was begun after a later start token, which has no end token
	Remains   bool    `json:",omitempty"` // it left processes behind, which were killed
	LogError  string  `json:",omitempty"` // why the log is not complete
}

// standing is how an attempt stands.
type standing uint8

const (
	fresh standing = iota // nothing has begun
	busy                  // somebody has the lock: it is under way, or about to be, or being cleaned up
	ended                 // there is an ending
	lost                  // it began, its supervisor is gone, and there is no ending
)

var errBusy = errors.New("locked")

// look tells how the attempt stands. If nobody is in charge of it (fresh, lost), the caller is from now on, until it
// closes lock.
func (f folder) look() (st standing, lock *os.File, e *ending, err error) {
	if e, err = f.ending(); e != nil || err != nil {
		return ended, nil, e, err
	}
	lock, err = f.tryLock()
	if errors.Is(err, errBusy) {
		return busy, nil, nil, nil
	}
	if err != nil {
		return fresh, nil, nil, err
	}
	if e, err = f.ending(); e != nil || err != nil { // written before the lock was released
		lock.Close()
		return ended, nil, e, err
	}
	if _, err = os.Lstat(f.path(fileBegun)); err == nil {
		return lost, lock, nil, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		lock.Close()
		return fresh, nil, nil, err
	}
	return fresh, lock, nil, nil
}

// tryLock takes the lock if it is free. The lock belongs to the open file, not to the process: handing the file to
// the supervisor hands over the lock, without a moment in which nobody has it.
func (f folder) tryLock() (*os.File, error) {
	lock, err := os.OpenFile(f.path(fileLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return lock, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			err = errBusy
		}
		lock.Close()
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
}

// ending returns how the attempt ended, nil if it has not.
func (f folder) ending() (*ending, error) {
	e, err := readRecord[ending](f, fileEnding)
	if e == nil {
		if beside, _ := readJSON[ending](f.beside()); beside != nil {
			return beside, nil
		}
	}
	return e, err
}

// stopped reports whether the attempt must not begin any more.
func (f folder) stopped() bool {
	_, err := os.Lstat(f.path(fileStop))
	return err == nil
}

// readRecord reads a file of the directory.
func readRecord[T any](f folder, name string) (*T, error) { return readJSON[T](f.path(name)) }

// readJSON reads a file of JSON; nil without an error if there is no such file.
func readJSON[T any](path string) (*T, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return v, nil
}

// writeRecord writes a file of the directory.
func (f folder) writeRecord(name string, v any, durable bool) error {
	return writeJSON(f.path(name), v, durable)
}

// writeJSON writes a file of JSON so that it is there whole or not at all, also after a power failure if durable. Several
// may write the same file.
func writeJSON(path string, v any, durable bool) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*")
	if err != nil {
		return err
	}
	temp := file.Name()
	_, err = file.Write(text)
	if err == nil && durable {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	if durable {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

// begin makes the mark after which the process never begins again, and makes it durable. It fails if it is there.
func (f folder) begin(b birth) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(fileBegun), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	for _, dir := range []string{string(f), filepath.Dir(string(f))} {
		if err == nil {
			err = syncDir(dir)
		}
	}
	if err != nil {
		os.Remove(file.Name()) // nothing has begun; another try may have more luck
	}
	return err
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
