package output

import (
	"encoding/json"
	"maps"
	"unicode/utf8"

	"maestro/internal/doc"
)

const (
	// Limit is how many characters the output data of a job may have as compact JSON (spec/runtimes 6.1).
	Limit = 750_000

	// MaxText is how many bytes a report may have as text: the limit in long characters, with room to indent them.
	MaxText = 4 * Limit

	maxNodes  = 400_000 // values in one report; so many do not fit into Limit
	maxParams = 10_000  // likewise, as each has a type, a value, a result and a time
)

// Data is output data as it is kept.
type Data struct {
	Params    []byte            // JSON object: name → param, or plain value of one; nil: none
	Artifacts map[string][]byte // key → JSON object
}

// wire is Data as JSON.
type wire struct {
	Params    json.RawMessage            `json:"params,omitempty"`
	Artifacts map[string]json.RawMessage `json:"artifacts,omitempty"`
}

// Encode returns the data as JSON, or an error if it holds what is not JSON.
func (d *Data) Encode() ([]byte, error) {
	w := wire{Params: d.Params}
	if len(d.Artifacts) > 0 {
		w.Artifacts = make(map[string]json.RawMessage, len(d.Artifacts))
		for key, artifact := range d.Artifacts {
			w.Artifacts[key] = artifact
		}
	}
	return json.Marshal(w)
}

// Decode reads what Encode wrote.
func Decode(text []byte) (*Data, error) {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	d := &Data{Artifacts: make(map[string][]byte, len(w.Artifacts))}
	if string(w.Params) != "null" {
		d.Params = w.Params
	}
	for key, artifact := range w.Artifacts {
		d.Artifacts[key] = artifact
	}
	return d, nil
}

// Merge returns encoded output data with more merged into it: of params that come again the later one counts, artifacts
// are merged by MergeArtifact. What is not JSON replaces all, and is complained about when it is used.
func Merge(have, more []byte) []byte {
	if have == nil {
		return more
	}
	var a, b struct {
		Params    map[string]json.RawMessage `json:"params,omitempty"`
		Artifacts map[string]json.RawMessage `json:"artifacts,omitempty"`
	}
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(more, &b) != nil {
		return more
	}
	if a.Params == nil {
		a.Params = b.Params
	} else {
		maps.Copy(a.Params, b.Params)
	}
	for key, artifact := range b.Artifacts {
		if a.Artifacts == nil {
			a.Artifacts = b.Artifacts
			break
		}
		a.Artifacts[key] = MergeArtifact(a.Artifacts[key], artifact)
	}
	merged, err := json.Marshal(a)
	if err != nil {
		return more
	}
	return merged
}

// MergeArtifact returns an artifact with a later one of its key merged into it: of two of free form, which have no type,
// the fields are put together, and otherwise the later one replaces the earlier (spec/runtimes 3.1).
func MergeArtifact(have, more []byte) []byte {
	var a, b map[string]json.RawMessage
	if have == nil || json.Unmarshal(have, &a) != nil || json.Unmarshal(more, &b) != nil || a["type"] != nil || b["type"] != nil {
		return more
	}
	if a == nil {
		return more
	}
	maps.Copy(a, b)
	merged, err := json.Marshal(a)
	if err != nil {
		return more
	}
	return merged
}

// Size counts the characters of encoded output data, as far as the limit needs: what is within it may count for more than
// it has. A value that is also the result counts once, since that is how the reference, whose limit it is, keeps it.
func Size(encoded []byte) int {
	if len(encoded) <= Limit {
		return len(encoded)
	}
	size := utf8.RuneCount(encoded)
	n, err := doc.ParseJSON(encoded, doc.Limits{})
	if err != nil {
		return size
	}
	params := n.Field("params")
	if params.IsNull() {
		return size
	}
	for _, m := range params.Members {
		value, result := m.Value.Field("value"), m.Value.Field("evaluated_result")
		if value.IsNull() || result.IsNull() {
			continue
		}
		if text := doc.AppendNode(nil, value); string(text) == string(doc.AppendNode(nil, result)) {
			size -= utf8.RuneCount(text)
		}
	}
	return size
}
