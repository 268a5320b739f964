//go:build linux || darwin

package shell

import (
	"context"
	"fmt"
	"slices"

	"maestro/internal/step"
)

const maxRead = 1 << 20 // of one ReadLog

// ReadLog returns a piece of what the process wrote.
func (rt *Runtime) ReadLog(_ context.Context, a *step.Attempt, stream string, offset int64, n int) (data []byte, more bool, err error) {
	if !slices.Contains(streams[:], stream) {
		return nil, false, fmt.Errorf("a shell step has no log %q, only %s and %s", stream, streams[0], streams[1])
	}
	if offset < 0 || n < 0 {
		return nil, false, fmt.Errorf("read %d bytes from %d of %s of attempt %q: no such place", n, offset, stream, a.UUID)
	}
	f := rt.folder(a)
	if _, err := f.belongs(a); err != nil {
		return nil, false, fmt.Errorf("read the log of attempt %s: %w", a.UUID, err)
	}
	growing := rt.growing(f, a.Identity()) // asked before reading: what is written until the end is read
	data, end, err := readStream(string(f), stream, offset, min(n, maxRead))
	if err == nil && end == 0 && !growing && wrote(f, a, stream) {
		err = step.ErrLogGone
	}
	if err != nil {
		return nil, growing, fmt.Errorf("read the log of attempt %s: %w", a.UUID, err)
	}
	return data, growing || offset+int64(len(data)) < end, nil
}

// wrote reports whether the process is known to have written to a stream.
func wrote(f folder, a *step.Attempt, stream string) bool {
	if e, err := f.ending(); err == nil && e != nil {
		return stream == streams[0] && e.Stdout != "" || stream == streams[1] && e.Stderr != ""
	}
	return !f.exists("") && a.Artifacts[artifactKey] != nil
}

// LogStreams names what there is to read of the process.
func (rt *Runtime) LogStreams(_ context.Context, a *step.Attempt) ([]step.Log, error) {
	f := rt.folder(a)
	var logs []step.Log
	for _, stream := range streams {
		parts, err := segments(string(f), stream)
		if err != nil {
			return nil, fmt.Errorf("list the logs of attempt %s: %w", a.UUID, err)
		}
		log := step.Log{Name: stream}
		if len(parts) > 0 {
			last := parts[len(parts)-1]
			log.Start, log.Size = parts[0].at, last.at+last.size
		}
		logs = append(logs, log)
	}
	return logs, nil
}

// growing reports whether the process may still write, or may still begin.
func (rt *Runtime) growing(f folder, id string) bool {
	if e, err := f.ending(); e != nil || err != nil {
		return false
	}
	if rt.cares(id) {
		return true
	}
	if !f.exists("") {
		return false
	}
	lock, err := f.tryLock()
	if err != nil {
		return true
	}
	lock.Close()
	return false
}

// lastOf returns the last of a stream as text.
func lastOf(dir, stream string) string {
	parts, err := segments(dir, stream)
	if err != nil || len(parts) == 0 {
		return ""
	}
	end := parts[len(parts)-1].at + parts[len(parts)-1].size
	data, _, _ := readStream(dir, stream, max(parts[0].at, end-tailBytes), tailBytes)
	t := tail{max: tailBytes, cut: true}
	_, _ = t.Write(data)
	return t.String()
}
