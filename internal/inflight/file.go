package inflight

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Mark names an evaluation: what is evaluated, and how far that was before. The zero Mark is none.
type Mark struct {
	ID int64 // above 0: a run; below: Text
	At int64 // of a run: how many entries its journal had; -1: it was being loaded
}

const (
	slots    = 512 // evaluations that can be noted at the same time; further ones are not
	slotSize = 16
)

// file holds a slot for each evaluation under way. It is safe for concurrent use.
type file struct {
	f    *os.File
	next atomic.Uint32
	busy [slots]atomic.Bool
}

// openFile returns the marks that the last process left, and an empty file.
func openFile(path string) (_ *file, left []Mark, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	data := make([]byte, slots*slotSize)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	for at := 0; at+slotSize <= n; at += slotSize {
		m := Mark{ID: int64(binary.LittleEndian.Uint64(data[at+8:])), At: int64(binary.LittleEndian.Uint64(data[at:]))}
		if m.ID != 0 {
			left = append(left, m)
		}
	}
	clear(data)
	if _, err := f.WriteAt(data, 0); err != nil { // also takes the room, so that a full disk does not matter later
		return nil, nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &file{f: f}, left, nil
}

// enter notes a mark and returns its slot, -1 when there is none. A mark that cannot be written is not noted: the guard is
// less watchful then, and the evaluation goes on.
func (f *file) enter(m Mark) int {
	first := f.next.Add(1)
	for i := range uint32(8) {
		n := int((first + i) % slots)
		if !f.busy[n].CompareAndSwap(false, true) {
			continue
		}
		var b [slotSize]byte
		binary.LittleEndian.PutUint64(b[:], uint64(m.At))
		binary.LittleEndian.PutUint64(b[8:], uint64(m.ID))
		_, _ = f.f.WriteAt(b[:], int64(n*slotSize))
		return n
	}
	return -1
}

// leave takes the mark of a slot back.
func (f *file) leave(slot int) {
	if slot < 0 {
		return
	}
	var none [8]byte
	_, _ = f.f.WriteAt(none[:], int64(slot*slotSize+8))
	f.busy[slot].Store(false)
}
