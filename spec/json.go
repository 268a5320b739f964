package spec

import (
	"strconv"

	"maestro/internal/doc"
)

// appender is a value that writes itself as JSON.
type appender interface {
	AppendJSON(dst []byte) []byte
}

// appendName begins a field of the object that dst ends in.
func appendName(dst []byte, name string) []byte {
	if c := dst[len(dst)-1]; c != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"') // names are plain ASCII
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// appendKey is appendName for a name that a user chose.
func appendKey(dst []byte, name string) []byte {
	if c := dst[len(dst)-1]; c != '{' {
		dst = append(dst, ',')
	}
	return append(doc.AppendString(dst, name), ':')
}

func appendText(dst []byte, name, text string) []byte {
	return doc.AppendString(appendName(dst, name), text)
}

func appendLong(dst []byte, name string, v int64) []byte {
	return strconv.AppendInt(appendName(dst, name), v, 10)
}

func appendBool(dst []byte, name string, v bool) []byte {
	return strconv.AppendBool(appendName(dst, name), v)
}

func appendTexts[T ~string](dst []byte, list []T) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, string(s))
	}
	return append(dst, ']')
}
