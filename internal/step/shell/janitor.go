//go:build linux || darwin

package shell

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	janitorFirst = 10 * time.Minute // after which every attempt that is under way has been found again
	janitorEvery = 10 * time.Minute
	janitorBatch = 200 // directories looked at before it lets others have the disk
	janitorRests = 50 * time.Millisecond
)

// janitor removes the directories of attempts that ended longer ago than the TTL, until ctx ends.
func (rt *Runtime) janitor(ctx context.Context) {
	for wait := janitorFirst; ; wait = janitorEvery {
		if !sleep(ctx, wait) {
			return
		}
		if err := rt.cleanUp(ctx, time.Now().Add(-rt.cfg.TTL)); err != nil && ctx.Err() == nil {
			rt.cfg.Log.Warn("directories of shell steps are not cleaned up", "err", err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// cleanUp removes attempts that ended before a time, one after the other. A directory leaves its place in one step
// before it is emptied: half an attempt would look like one that has not begun.
func (rt *Runtime) cleanUp(ctx context.Context, before time.Time) error {
	var failed error
	for _, old := range rt.emptied(ctx) {
		failed = errors.Join(failed, removeAll(old))
	}
	dir, err := os.Open(rt.attempts())
	if err != nil {
		return err
	}
	defer dir.Close()
	for ctx.Err() == nil {
		names, _ := dir.Readdirnames(janitorBatch)
		if len(names) == 0 {
			return failed
		}
		for _, name := range names {
			if ctx.Err() != nil || !rt.expired(name, before) {
				continue
			}
			gone := filepath.Join(rt.trash(), name)
			err := os.Rename(filepath.Join(rt.attempts(), name), gone)
			if err == nil {
				err = removeAll(gone)
			}
			failed = errors.Join(failed, err)
		}
		sleep(ctx, janitorRests)
	}
	return failed
}

// emptied returns what an earlier clean-up left half done.
func (rt *Runtime) emptied(ctx context.Context) []string {
	if ctx.Err() != nil {
		return nil
	}
	entries, _ := os.ReadDir(rt.trash())
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = filepath.Join(rt.trash(), e.Name())
	}
	return names
}

// expired reports whether nobody cares for an attempt any more.
func (rt *Runtime) expired(name string, before time.Time) bool {
	f := folder(filepath.Join(rt.attempts(), name))
	id, beside := strings.CutSuffix(name, besideSuffix)
	if rt.cares(id) {
		return false
	}
	if beside {
		info, err := os.Lstat(string(f))
		return err == nil && info.ModTime().Before(before)
	}
	info, err := os.Lstat(f.path(fileEnding))
	if err == nil {
		return info.ModTime().Before(before)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	// No ending: never begun, or lost and never asked for. The directory's own time changes with its files.
	if info, err = os.Lstat(string(f)); err != nil || !info.IsDir() || !info.ModTime().Before(before) {
		return false
	}
	lock, err := f.tryLock()
	if err != nil {
		return false
	}
	lock.Close()
	return true
}

// exists reports whether the directory has a file; "": whether there is a directory.
func (f folder) exists(name string) bool {
	_, err := os.Lstat(f.path(name))
	return err == nil
}

// removeAll removes a directory, also when the step took away the right to change directories in it.
func removeAll(name string) error {
	if os.RemoveAll(name) == nil {
		return nil
	}
	_ = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(name)
}
