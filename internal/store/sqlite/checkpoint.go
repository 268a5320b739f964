package sqlite

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// The log of changes (the -wal file) is what a commit waits for, so everything here serves one fsync. On the disks this
// runs on, an fsync of a file that stays as long as it is takes less than half the time of one that makes it longer. So
// the log gets its size when the store is opened, keeps it when the store is closed, and is written from the beginning
// again and again.
//
// It can begin anew once all of it has been copied into the database and no reader looks at it. SQLite's own way is to
// do that inside a commit, which then takes tens of milliseconds. Here a goroutine does it in three steps:
//
//  1. Copy what is in the log, while commits go on (a passive checkpoint).
//  2. Bring the database file to the disk. SQLite itself leaves that to the checkpoint that catches up with the log.
//     Steps 1 and 2 are repeated until little is left.
//  3. Keep commits out, copy the rest, which is little, and wait for readers of the log to finish (a restart
//     checkpoint). The next commit begins the log anew.
//
// When a reader takes too long the log just goes on growing, and step 3 is tried again later.
//
// A cycle also begins when a write finds no room, however short the log is. It makes room where the log cannot grow but the
// database need not, or can: pages that were deleted are used again, and a limit may be on the size of each file. Where
// it cannot, it is tried again once in a while, as commits are: the disk may have room then.
//
// The rarer a cycle, the better: commits share the disk with it, and a page that changes often is copied once for each.
// What limits it is the time to read the log after a crash, about a millisecond for each megabyte.
const (
	logSize  = 16 << 20             // bytes of the log when the store is opened; the first cycle makes it longer
	frames   = 64 << 20 / pageSize  // pages in the log with which a cycle begins
	logLimit = 256 << 20            // the file is cut to this when some reader has made it longer
	restLen  = 128                  // pages that may be left for step 3
	rounds   = 4                    // of steps 1 and 2 at most
	patience = 5 * time.Millisecond // how long step 3 waits for readers
)

// keepLog makes the log outlive the connections, counts its pages, and gives it its size.
func (s *Store) keepLog(c *conn) error {
	if _, err := c.c.FileControl("main", sqlite3.FCNTL_PERSIST_WAL, true); err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	c.c.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		s.frames.Store(int64(pages))
		return nil
	})
	if s.opt.NoSync {
		return nil
	}
	return extend(s.path+logSuffix, logSize)
}

// extend makes a file at least size bytes long with zeros that are really on the disk: room that is merely reserved
// would cost each first fsync as much as making the file longer. SQLite takes zeros for the end of the log.
func extend(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fi, err := f.Stat()
	if err != nil || fi.Size() >= size {
		return err
	}
	zeros := make([]byte, 1<<20)
	for at := fi.Size(); at < size; {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return f.Sync()
}

// checkpoint waits until the log is long enough and copies it.
func (s *Store) checkpoint() {
	due := int64(frames) // pages in the log with which the next cycle begins
	for {
		select {
		case <-s.closed:
			return
		case <-s.nudge:
		}
		// An error here is no news: the commits that fill the log meet it as well, and have somebody to tell.
		err := s.cycle(&due)
		if err == nil || isLocked(err) {
			continue
		}
		select {
		case <-s.closed:
			return
		case <-time.After(again):
		}
	}
}

// cycle copies the log into the database and has it begin anew.
func (s *Store) cycle(due *int64) (err error) {
	cramped := s.cramped.Swap(false)
	if n := s.frames.Load(); n < *due && (n == 0 || !cramped) {
		return nil // the cycle before has seen to it
	}
	// A disk that fails to keep what was copied may say later that it has kept it, so the log must not begin anew.
	defer func() {
		if errors.Is(err, sqlite3.IOERR) && !isFull(err) {
			s.unsure.Store(true)
		}
	}()
	defer catch(&err)

	if err := s.copyMost(); err != nil {
		return err
	}
	select {
	case c := <-s.writer:
		defer func() { s.writer <- c }()
	case <-s.closed:
		return nil // whoever closes copies the rest
	}
	k := <-s.copier
	defer func() { s.copier <- k }()
	if k == nil || s.unsure.Load() {
		return nil
	}
	if _, _, err := k.c.WALCheckpoint("main", sqlite3.CHECKPOINT_RESTART); err != nil {
		// A reader is still at work, and commits have waited for it in vain: let there be many before the next try.
		*due = s.frames.Load() + frames/2
		return err
	}
	*due = frames
	s.frames.Store(0)
	return nil
}

// copyMost copies most of the log while commits go on.
func (s *Store) copyMost() error {
	k := <-s.copier
	defer func() { s.copier <- k }()
	for range rounds {
		if k == nil {
			return nil
		}
		log, copied, err := k.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
		if err != nil {
			return err
		}
		if !s.opt.NoSync {
			if err := s.syncDatabase(); err != nil {
				s.unsure.Store(true)
				return err
			}
		}
		if int(s.frames.Load())-copied < restLen || copied < log {
			break
		}
	}
	return nil
}

func (s *Store) syncDatabase() error {
	if s.opt.sync != nil {
		if err := s.opt.sync(); err != nil {
			return err
		}
	}
	return s.place.db.f.Sync()
}
