package view

import "maestro/internal/doc"

// parsed reads JSON of our own store. What cannot be read is as good as absent.
func parsed(json []byte) *doc.Node {
	if len(json) == 0 {
		return nil
	}
	n, err := doc.ParseJSON(json, doc.Limits{})
	if err != nil {
		return nil
	}
	return n
}
