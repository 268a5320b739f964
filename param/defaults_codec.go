package param

import (
	"encoding/binary"
	"maps"
	"slices"

	"maestro/internal/doc"
)

// Stored defaults. A run's params are stored as what merging its definitions again cannot give (results.go), so the
// defaults they were merged from are stored, too: as they are once merged, not as they were written, so that reading
// them asks neither the bundled files nor the rules that merged them.
//
//	defaults = version, workflow, step, type*
//	type     = name, definitions       in byte order of the names
//
// Definitions are texts in the form of AppendStored. DryRun is not stored: no run is made from it.

const defaultsVersion = 1

// AppendStored appends the stored form. Equal defaults have equal bytes.
func (d *Defaults) AppendStored(dst []byte) []byte {
	dst = append(dst, defaultsVersion)
	dst = appendText(dst, string(d.Workflow.AppendStored(nil)))
	dst = appendText(dst, string(d.Step.AppendStored(nil)))
	for _, name := range slices.Sorted(maps.Keys(d.ByType)) {
		dst = appendText(dst, name)
		dst = appendText(dst, string(d.ByType[name].AppendStored(nil)))
	}
	return dst
}

// DecodeDefaults reads what AppendStored wrote.
func DecodeDefaults(data []byte) (*Defaults, error) {
	in := input{data: data}
	if v := in.byte(); in.bad || v != defaultsVersion {
		return nil, Errorf(Internal, "stored default params have version %d, this program knows %d", v, defaultsVersion)
	}
	var problems doc.Problems
	defs := func(name string) *Defs {
		n, err := doc.ParseJSON([]byte(in.text()), doc.Limits{})
		if err != nil {
			in.bad = true
			return nil
		}
		return precleaned(DecodeDefs(n, name, &problems, DecodeOptions{Lenient: true, Stored: true}))
	}
	d := &Defaults{Workflow: defs("workflow"), Step: defs("step"), ByType: make(map[string]*Defs)}
	for !in.bad && len(in.data) > 0 {
		name := in.text()
		d.ByType[name] = defs(name)
	}
	if in.bad || problems.Failed() {
		return nil, Errorf(Internal, "stored default params are damaged")
	}
	return d, nil
}

// Sum tells definitions apart whose stored results must not be taken for each other's: those in which a param has
// another name, place or type, or a literal that needs no evaluation, and so is not stored, has another value.
func (s *Defs) Sum() uint32 {
	h := uint32(2166136261) // FNV-1a
	var buf []byte
	for name, d := range s.All() {
		buf = appendText(buf[:0], name)
		buf = append(buf, byte(d.Type))
		if v, ok := static(d); ok {
			buf = appendValue(append(buf, 1), v)
		} else {
			buf = append(buf, 0)
		}
		for _, b := range buf {
			h = (h ^ uint32(b)) * 16777619
		}
	}
	return h
}

// AppendSum appends a sum in the form that CutSum reads.
func AppendSum(dst []byte, sum uint32) []byte { return binary.BigEndian.AppendUint32(dst, sum) }

// CutSum returns the sum that data begins with, and what follows; false when data is too short.
func CutSum(data []byte) (sum uint32, rest []byte, ok bool) {
	if len(data) < 4 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(data), data[4:], true
}
