//go:build linux || darwin

package shell

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"maestro/internal/step"
)

// A stream is stored as a row of files, stdout.00000000000000000000 and so on, each named for the position of its
// first byte. The oldest go when the others hold enough, so that a reader keeps its place in a stream whose beginning
// is gone, and storage stays within the limit and one more file.

const minSegment = 64 << 10

// streams are the names of what a process writes.
var streams = [2]string{"stdout", "stderr"}

// logWriter stores one stream. It is used by one goroutine. It never fails: when storing does, it says why in err and
// stores no more, since a full disk must not hold up the process.
type logWriter struct {
	dir    string
	stream string
	limit  int64
	err    error

	file  *os.File
	end   int64 // position after the last byte
	parts []segment
}

type segment struct {
	at   int64
	size int64
}

func (w *logWriter) Write(p []byte) (int, error) {
	if w.err == nil {
		w.err = w.store(p)
	}
	return len(p), nil
}

func (w *logWriter) store(p []byte) error {
	most := max(w.limit/4, minSegment)
	for len(p) > 0 {
		if w.file == nil || w.parts[len(w.parts)-1].size >= most {
			if err := w.roll(); err != nil {
				return err
			}
		}
		last := &w.parts[len(w.parts)-1]
		n, err := w.file.Write(p[:min(int64(len(p)), most-last.size)])
		w.end += int64(n)
		last.size += int64(n)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// roll begins the next file and removes those that are not needed any more.
func (w *logWriter) roll() error {
	w.Close()
	file, err := os.OpenFile(segmentPath(w.dir, w.stream, w.end), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w.file = file
	w.parts = append(w.parts, segment{at: w.end})
	for len(w.parts) > 1 && w.end-w.parts[1].at >= w.limit {
		if err := os.Remove(segmentPath(w.dir, w.stream, w.parts[0].at)); err != nil {
			return err
		}
		w.parts = w.parts[1:]
	}
	return nil
}

// Close closes the file at hand.
func (w *logWriter) Close() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// discard removes what is stored, to make room for something that matters more.
func (w *logWriter) discard() {
	w.Close()
	for _, s := range w.parts {
		os.Remove(segmentPath(w.dir, w.stream, s.at))
	}
	w.parts = nil
	if w.err == nil {
		w.err = errors.New("removed to make room on the disk")
	}
}

func segmentPath(dir, stream string, at int64) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%020d", stream, at))
}

// segments lists the files of one stream, in order. No directory means no files.
func segments(dir, stream string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []segment
	for _, e := range entries {
		pos, ok := strings.CutPrefix(e.Name(), stream+".")
		at, err := strconv.ParseInt(pos, 10, 64)
		if !ok || err != nil || !e.Type().IsRegular() { // a fifo of that name would hold the reader up
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		out = append(out, segment{at: at, size: info.Size()})
	}
	slices.SortFunc(out, func(a, b segment) int { return int(min(max(a.at-b.at, -1), 1)) })
	return out, nil
}

// readStream returns up to n bytes of a stream from offset, and where the stream ends at present. Where a part of the
// stream is missing it is a *step.DroppedError, where the end is, step.ErrLogGone.
func readStream(dir, stream string, offset int64, n int) (data []byte, end int64, err error) {
	for range 5 { // files may be removed between looking and reading
		parts, err := segments(dir, stream)
		if err != nil {
			return nil, 0, err
		}
		if len(parts) == 0 {
			if offset > 0 {
				err = fmt.Errorf("%s from byte %d on: %w", stream, offset, step.ErrLogGone)
			}
			return nil, 0, err
		}
		last := parts[len(parts)-1]
		end = last.at + last.size
		if next := keptFrom(parts, offset); next > offset {
			return nil, end, &step.DroppedError{Stream: stream, Next: next}
		}
		data, err = readParts(dir, stream, parts, offset, n)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return data, end, err
		}
	}
	return nil, end, fmt.Errorf("%s from byte %d on: %w", stream, offset, step.ErrLogGone)
}

// keptFrom returns offset if the stream is kept there or ends before, otherwise from where on it is kept.
func keptFrom(parts []segment, offset int64) int64 {
	for _, s := range parts {
		if offset < s.at {
			return s.at
		}
		if offset < s.at+s.size {
			return offset
		}
	}
	return offset
}

func readParts(dir, stream string, parts []segment, offset int64, n int) ([]byte, error) {
	var data []byte
	for _, s := range parts {
		if len(data) >= n || offset < s.at || offset >= s.at+s.size {
			continue
		}
		piece, err := readPart(segmentPath(dir, stream, s.at), offset-s.at, min(int64(n-len(data)), s.at+s.size-offset))
		if err != nil {
			return nil, err
		}
		data = append(data, piece...)
		offset += int64(len(piece))
	}
	return data, nil
}

// readPart reads up to n bytes of a file. A file that was cut meanwhile has fewer.
func readPart(name string, at, n int64) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	buf := make([]byte, n)
	got, err := file.ReadAt(buf, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:got], nil
}
