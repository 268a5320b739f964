package spec

// appender is a value that writes itself as JSON.
type appender interface {
	AppendJSON(dst []byte) []byte
}
