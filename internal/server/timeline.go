package server

import (
	"strconv"

	"maestro/internal/doc"
)

// The timeline events that endpoints answer with (spec/api 3.3).

// appendAction appends an ACTION event.
func appendAction(dst []byte, at int64, action, author, message string) []byte {
	dst = strconv.AppendInt(append(dst, `{"timestamp":`...), at, 10)
	dst = doc.AppendString(append(dst, `,"type":"ACTION","action":`...), action)
	dst = doc.AppendString(append(dst, `,"author":`...), author)
	dst = doc.AppendString(append(dst, `,"message":`...), message)
	return append(dst, '}')
}

// appendLog appends a LOG event of level INFO.
func appendLog(dst []byte, at int64, message string) []byte {
	dst = strconv.AppendInt(append(dst, `{"timestamp":`...), at, 10)
	dst = doc.AppendString(append(dst, `,"type":"LOG","level":"INFO","message":`...), message)
	return append(dst, '}')
}
