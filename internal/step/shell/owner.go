//go:build linux || darwin

package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"maestro/internal/step"
)

// owner says which attempt a directory belongs to. The name of the directory is a hash of it.
type owner struct {
	UUID     string
	Workflow string
	Instance int64
	Run      int64
	RunUUID  string
	Step     string
	Attempt  int64
}

func ownerOf(a *step.Attempt) owner {
	return owner{UUID: a.UUID, Workflow: a.WorkflowID, Instance: a.Instance, Run: a.Run, RunUUID: a.RunUUID, Step: a.StepID, Attempt: a.Number}
}

// String names the attempt in messages.
func (o owner) String() string {
	return fmt.Sprintf("attempt %d of step [%s] of [%s][%d][%d] (%s)", o.Attempt, o.Step, o.Workflow, o.Instance, o.Run, o.UUID)
}

// foreignError says that what is kept where the attempt belongs is of another one.
type foreignError struct{ text string }

func (e *foreignError) Error() string { return e.text }

// folder returns the directory of an attempt.
func (rt *Runtime) folder(a *step.Attempt) folder {
	return folder(filepath.Join(rt.attempts(), a.Identity()))
}

// belongs returns a *foreignError if the directory is of another attempt, and whether it is known to be of this one.
func (f folder) belongs(a *step.Attempt) (known bool, err error) {
	o, err := readRecord[owner](f, fileOwner)
	if err != nil || o == nil {
		return false, err
	}
	if mine := ownerOf(a); *o != mine {
		return false, &foreignError{fmt.Sprintf("the directory %s belongs to %s, not to %s; it is left alone", f, *o, mine)}
	}
	return true, nil
}

// claim makes the directory of an attempt, if there is none. It reports whether it was known to be the attempt's before.
func (f folder) claim(a *step.Attempt) (known bool, err error) {
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil { // all directories may have been removed meanwhile
		return false, err
	}
	if err := os.Mkdir(string(f), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if err := f.sound(); err != nil {
		return false, err
	}
	if known, err = f.belongs(a); known || err != nil {
		return known, err
	}
	return false, f.writeRecord(fileOwner, ownerOf(a), false)
}

// sound returns an error if there is no directory, or something else in its place.
func (f folder) sound() error {
	info, err := os.Lstat(string(f))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory any more: something was put in its place", f)
	}
	return err
}
