package sqlite

import (
	"context"

	"maestro/internal/store"
)

// Claim implements store.Leases. A process has the file to itself, so that in practice the first to ask gets every group
// and keeps it; two nodes inside one process, as in tests, hand groups over as they would elsewhere.
func (s *Store) Claim(ctx context.Context, node string, groups int32, now, ttl int64) ([]store.Lease, error) {
	var leases []store.Lease
	err := s.write(ctx, "claim", func(c *conn) error {
		err := c.prepare(`
			WITH RECURSIVE wanted (grp) AS (
			  SELECT 0
			  WHERE ?2 > 0
			  UNION ALL
			  SELECT grp + 1
			  FROM wanted
			  WHERE grp + 1 < ?2
			)
			INSERT INTO lease (grp, epoch, node, until)
			SELECT grp, 1, ?1, ?3 + ?4
			FROM wanted
			UNION ALL
			SELECT grp, 1, ?1, ?3 + ?4
			FROM lease
			WHERE grp >= ?2
			ON CONFLICT (grp) DO UPDATE
			SET epoch = epoch + 1,
			    node = excluded.node,
			    until = excluded.until
			WHERE lease.node = ''
			   OR lease.node <> excluded.node AND lease.until <= ?3`).
			text(node).int(int64(groups)).int(now).int(ttl).exec()
		if err != nil {
			return err
		}
		if leases, err = renew(c, node, now, ttl); err != nil {
			return err
		}
		return s.keepLeases(c)
	})
	return leases, err
}

// Renew implements store.Leases.
func (s *Store) Renew(ctx context.Context, node string, now, ttl int64) ([]store.Lease, error) {
	var leases []store.Lease
	err := s.write(ctx, "renew", func(c *conn) error {
		var err error
		leases, err = renew(c, node, now, ttl)
		return err
	})
	return leases, err
}

// renew extends the leases of node and returns them in order of group.
func renew(c *conn, node string, now, ttl int64) ([]store.Lease, error) {
	err := c.prepare(`
		UPDATE lease
		SET until = ?2
		WHERE node = ?1`).text(node).int(now + ttl).exec()
	if err != nil {
		return nil, err
	}
	var leases []store.Lease
	q := c.prepare(`
		SELECT grp, epoch
		FROM lease
		WHERE node = ?1
		ORDER BY grp`).text(node)
	for q.next() {
		leases = append(leases, store.Lease{Group: int32(q.colInt(0)), Epoch: q.colInt(1)})
	}
	return leases, q.done()
}

// Release implements store.Leases.
func (s *Store) Release(ctx context.Context, node string) error {
	return s.write(ctx, "release", func(c *conn) error {
		err := c.prepare(`
			UPDATE lease
			SET node = '',
			    until = 0
			WHERE node = ?1`).text(node).exec()
		if err != nil {
			return err
		}
		return s.keepLeases(c)
	})
}

// freeLeases gives up all leases of an earlier process. Whoever held them is gone: this one has the file to itself.
func freeLeases(c *conn) error {
	return c.exec(`
		UPDATE lease
		SET node = '',
		    until = 0
		WHERE node <> ''`)
}
