package store

import "errors"

// Errors of a store that cannot do its work for now. Each of them is ErrUnavailable as well: the request is right, and
// the same one can succeed later.
var (
	// ErrUnavailable says that the store cannot be read or written at present, for instance because of the disk.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrFull says that the disk or the quota is full. Nothing was written.
	ErrFull error = &kind{"store: no space left"}
	// ErrLocked says that another program kept a lock on the database for longer than a caller waits. Nothing was written.
	ErrLocked error = &kind{"store: locked by another program"}
	// ErrLost says that the database is not, or not any more, what is kept where it was opened: it was deleted, moved or
	// replaced. What was written may be gone with it.
	ErrLost error = &kind{"store: the database is not in its place"}
	// ErrFenced says that another process has taken the database over. Nothing was written, and nothing will be.
	ErrFenced error = &kind{"store: taken over by another process"}
)

// kind is a kind of ErrUnavailable.
type kind struct{ text string }

func (k *kind) Error() string { return k.text }

func (k *kind) Is(target error) bool { return target == ErrUnavailable }

// Unavailable is an ErrUnavailable with its reason.
type Unavailable struct {
	Kind    error  // ErrUnavailable or one of its kinds
	Reason  string // what is wrong and what to do about it, for whoever asks or operates the server
	Restart bool   // the process cannot go on by itself: only a restart helps
	Cause   error  // of the driver or the system, for errors.Is; may be nil
}

func (u *Unavailable) Error() string { return u.Kind.Error() + ": " + u.Reason }

// Unwrap returns the kind and the cause.
func (u *Unavailable) Unwrap() []error {
	if u.Cause == nil {
		return []error{u.Kind}
	}
	return []error{u.Kind, u.Cause}
}

// Unwritten reports whether a write that failed with err has certainly changed nothing. Of other errors only loading
// tells.
func Unwritten(err error) bool {
	for _, known := range [...]error{ErrStale, ErrExists, ErrFull, ErrLocked, ErrFenced} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
