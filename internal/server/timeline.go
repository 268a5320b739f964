package server

import "maestro/internal/doc"

// The timeline events that endpoints answer with (spec/api 3.3).

// appendAction appends an ACTION event.
func appendAction(dst []byte, at int64, action, author, message string) []byte {
	o := doc.Open(dst)
	o.Int("timestamp", at)
	o.Text("type", "ACTION")
	o.Text("action", action)
	o.Text("author", author)
	o.Text("message", message)
	return o.Close()
}

// appendLog appends a LOG event of level INFO.
func appendLog(dst []byte, at int64, message string) []byte {
	o := doc.Open(dst)
	o.Int("timestamp", at)
	o.Text("type", "LOG")
	o.Text("level", "INFO")
	o.Text("message", message)
	return o.Close()
}
