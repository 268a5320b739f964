package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// message is one server-sent event.
type message struct {
	id    string
	event string
	data  []byte
}

// sseReader reads a text/event-stream body.
type sseReader struct {
	in     *bufio.Reader
	lastID string
	retry  time.Duration // what the server last asked us to wait before reconnecting, 0 if it did not
}

// maxLine bounds one line of a stream, so that a broken server cannot fill our memory.
const maxLine = 4 << 20

var errLongLine = errors.New("client: a line of the event stream is longer than 4 MiB")

func newSSEReader(r io.Reader) *sseReader { return &sseReader{in: bufio.NewReaderSize(r, 16<<10)} }

// next returns the next message that has data, or io.EOF. A message that the end of the stream cuts off is dropped, as
// the standard wants it: after reconnecting it comes again.
func (s *sseReader) next() (message, error) {
	m := message{}
	var has bool
	for {
		line, err := s.line()
		if err != nil {
			return message{}, err
		}
		if len(line) == 0 {
			if !has {
				m.event = ""
				continue
			}
			m.id = s.lastID
			return m, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) { // "" is a comment, such as the keep-alive
		case "id":
			if !bytes.ContainsRune(value, 0) {
				s.lastID = string(value)
			}
		case "event":
			m.event, has = string(value), true
		case "data":
			if len(m.data) > 0 {
				m.data = append(m.data, '\n')
			}
			m.data, has = append(m.data, value...), true
		case "retry":
			if ms, err := strconv.Atoi(string(value)); err == nil && ms >= 0 {
				s.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// line returns the next line without its end.
func (s *sseReader) line() ([]byte, error) {
	var out []byte
	for {
		part, err := s.in.ReadSlice('\n')
		out = append(out, part...)
		if len(out) > maxLine {
			return nil, errLongLine
		}
		if err == nil {
			return bytes.TrimRight(out, "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}
