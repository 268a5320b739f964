package sqlite

import (
	"fmt"
	"maps"

	"maestro/internal/store"
)

// owner is what a store knows of the database because nobody else writes to it: the leases it has handed out, and the
// position of the newest journal entry. The locks see to it that nobody else does, but not every program respects them
// and some file systems have none. So each transaction looks whether the database was changed by another connection,
// which costs next to nothing, and if it was, whether those changes are of somebody who thinks he owns it. Others are
// welcome: a backup program that keeps its own table, a repair by hand.
type owner struct {
	leases  map[int32]lease // as last committed; nil: not read yet
	pending map[int32]lease // to be leases once the transaction is committed
	version int64           // of the database on the connection that writes; 0: not known
	pos     int64           // of the newest journal entry
}

// lease is who has a group.
type lease struct {
	epoch int64
	node  string
}

// verify returns store.ErrFenced when another process has taken over the database. It is called in a transaction.
func (s *Store) verify(c *conn) error {
	var version int64
	if _, err := c.prepare("PRAGMA data_version").one(func(q *stmt) { version = q.colInt(0) }); err != nil {
		return err
	}
	if version == s.version {
		return nil
	}
	if s.leases != nil {
		leases, err := readLeases(c)
		if err != nil {
			return err
		}
		pos, err := lastPos(c)
		if err != nil {
			return err
		}
		if pos > s.pos || !maps.Equal(leases, s.leases) {
			return &store.Unavailable{
				Kind: store.ErrFenced, Restart: true,
				Reason: fmt.Sprintf("another process has written to the database %s and taken it over; stop one of the two, and restart this one if it is to go on", s.path),
			}
		}
	}
	s.version = version
	return nil
}

// keepLeases notes the leases as they are in a transaction that has changed them.
func (s *Store) keepLeases(c *conn) (err error) {
	s.pending, err = readLeases(c)
	return err
}

func readLeases(c *conn) (map[int32]lease, error) {
	leases := map[int32]lease{}
	q := c.prepare(`
		SELECT grp, epoch, node
		FROM lease`)
	for q.next() {
		leases[int32(q.colInt(0))] = lease{epoch: q.colInt(1), node: q.colText(2)}
	}
	return leases, q.done()
}
