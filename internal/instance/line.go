package instance

import (
	"encoding/json"
	"slices"
)

// Line is one entry of a timeline: what a person is told about a run or an attempt besides its statuses
// (spec/engine 20, spec/api 3.3). Its JSON is the form clients see, but for the time, which is the record's.
type Line struct {
	At        int64    `json:"timestamp"`
	Type      string   `json:"type"` // LOG, DETAILS or ACTION
	Level     string   `json:"level,omitempty"`
	Status    string   `json:"status,omitempty"` // of DETAILS: the error code
	Action    string   `json:"action,omitempty"`
	Author    string   `json:"author,omitempty"`
	Message   string   `json:"message,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Errors    []string `json:"errors,omitempty"`
	Retryable *bool    `json:"retryable,omitempty"` // of DETAILS: always present
}

// maxLines is how many lines a timeline keeps; the oldest go first.
const maxLines = 32

// InfoLine returns a LOG line of level INFO.
func InfoLine(message string) Line { return Line{Type: "LOG", Level: "INFO", Message: message} }

// WarnLine returns a LOG line of level WARN.
func WarnLine(message string) Line { return Line{Type: "LOG", Level: "WARN", Message: message} }

// DetailsLine returns a DETAILS line: a message with the errors that explain it.
func DetailsLine(code, message string, errs ...string) Line {
	no := false
	return Line{Type: "DETAILS", Status: code, Message: message, Errors: errs, Retryable: &no}
}

// Encode returns the stored form.
func (l Line) Encode() []byte {
	l.At = 0
	b, _ := json.Marshal(l) // strings and a bool: cannot fail
	return b
}

func decodeLine(data []byte, at int64) Line {
	var l Line
	if json.Unmarshal(data, &l) != nil {
		l = Line{Type: "LOG", Level: "WARN", Message: "a timeline entry could not be read"}
	}
	l.At = at
	return l
}

// same reports whether two lines differ only in time.
func (l Line) same(o Line) bool {
	return l.Type == o.Type && l.Level == o.Level && l.Status == o.Status && l.Action == o.Action && l.Author == o.Author &&
		l.Message == o.Message && l.Reason == o.Reason && slices.Equal(l.Errors, o.Errors)
}

func appendLine(lines []Line, l Line) []Line {
	if n := len(lines); n > 0 && lines[n-1].same(l) {
		return lines
	}
	if len(lines) >= maxLines {
		lines = append(lines[:0:0], lines[1:]...)
	}
	return append(lines, l)
}
