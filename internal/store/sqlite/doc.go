// Package sqlite keeps the state of one Maestro in an SQLite file. It implements package store for a single process and
// needs nothing installed.
//
// One connection writes, several read, and readers see the last committed state without ever blocking the writer (WAL).
// A commit is durable when it returns: its only wait is one fsync of a file that already has its size. Copying the log
// back into the database is done beside the commits, by a goroutine that the store owns.
//
// A Store is safe for concurrent use. Writes queue for the one connection in no particular order; each method that
// writes owns its transaction. A second process, or a second Open in this one, is refused with store.ErrBusy.
package sqlite
