package sqlite

import "strings"

// multi is a statement over a list of rows. Running it once for 64 rows costs a fraction of 64 runs for one, and three
// sizes of list, each prepared once, serve every number of rows.
type multi struct {
	size [3]int
	sql  [3]string
}

// over builds the statement that has a list of row between head and tail.
func over(head, row, tail string) *multi {
	m := &multi{size: [3]int{64, 8, 1}}
	for i, n := range m.size {
		m.sql[i] = head + strings.Repeat(row+", ", n-1) + row + tail
	}
	return m
}

// run runs the statement for n rows. bind binds the values of row i.
func (m *multi) run(c *conn, n int, bind func(s *stmt, i int)) error {
	i := 0
	for k, size := range m.size {
		for n-i >= size {
			s := c.prepare(m.sql[k])
			for j := i; j < i+size; j++ {
				bind(s, j)
			}
			if err := s.exec(); err != nil {
				return err
			}
			i += size
		}
	}
	return nil
}

// query is run for statements that return rows, which read is called for.
func (m *multi) query(c *conn, n int, bind func(s *stmt, i int), read func(s *stmt)) error {
	i := 0
	for k, size := range m.size {
		for n-i >= size {
			s := c.prepare(m.sql[k])
			for j := i; j < i+size; j++ {
				bind(s, j)
			}
			for s.next() {
				read(s)
			}
			if err := s.done(); err != nil {
				return err
			}
			i += size
		}
	}
	return nil
}
