package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// await waits until nobody holds the write end of the fifo any more: it reports true then, at once if nobody did. It
// reports false after d, and when ctx ends. It costs a file, and no thread.
func (f folder) await(ctx context.Context, d time.Duration) bool {
	alive, err := os.OpenFile(f.path(fileAlive), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return true // not there yet, or not there any more
	}
	defer alive.Close()
	if alive.SetReadDeadline(time.Now().Add(d)) != nil {
		return true
	}
	defer context.AfterFunc(ctx, func() { _ = alive.SetReadDeadline(time.Unix(1, 0)) })()
	var buf [1]byte
	_, err = alive.Read(buf[:])
	return errors.Is(err, io.EOF)
}
