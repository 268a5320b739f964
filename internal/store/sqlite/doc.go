// Package sqlite keeps the state of one Maestro in an SQLite file. It implements package store for a single process and
// needs nothing installed.
//
// One connection writes, several read, and readers see the last committed state without ever blocking the writer (WAL).
// A commit is durable when it returns: its only wait is one fsync of a file that already has its size. Copying the log
// back into the database is done beside the commits, by a goroutine that the store owns.
//
// A Store is safe for concurrent use. Writes queue for the one connection in no particular order; each method that
// writes owns its transaction. A second process, or a second Open in this one, is refused with store.ErrBusy. Programs
// that only respect SQLite's locks may use the file beside the store, which waits for them.
//
// What is acknowledged is in the files at the path: each commit checks that they are still those that are open. Whatever
// keeps the store from writing is a store.ErrUnavailable, and Ready tells of it until it is over.
package sqlite
