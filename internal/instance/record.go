package instance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Kind says what a record is about. The numbers are stored; never change one.
type Kind uint8

// The kinds of records, and the fields each uses.
const (
	KindRunStatus    Kind = 1  // Status is the instance's new status, A the run's own where it differs, else 0; B 1 if it began just now, too
	KindRunLine      Kind = 2  // Data is a timeline line (JSON) of the run
	KindRunAction    Kind = 3  // A is the Action asked for, Text the user, Data the reason
	KindStepCreated  Kind = 4  // a new attempt: Attempt, A its sequence number, B its flags
	KindStepStatus   Kind = 5  // Status is the attempt's new status
	KindStepParams   Kind = 6  // Data is the results of param evaluation (param.AppendResults)
	KindStepEdges    Kind = 7  // Data is the results of the transition conditions (edges.go)
	KindStepLine     Kind = 8  // Data is a timeline line (JSON) of the attempt
	KindStepArtifact Kind = 9  // Text is the key, Data the JSON object, whole
	KindStepOutput   Kind = 10 // Data is output data posted by the job (JSON)
	KindStepEnding   Kind = 11 // Status is where the attempt goes once its runtime has let go; A is its flags, B the Action that asked for it, Text the user
	KindStepSignals  Kind = 12 // Data is the evaluated signal dependencies (JSON)
	KindStepSignal   Kind = 13 // A is the index of a dependency, Status what became of it: matched by the signal numbered B with the params Data (JSON), or bypassed by Text, at B if that is not 0
	KindStepSent     Kind = 14 // Data is the signal outputs that were announced (JSON)
	KindStepRestart  Kind = 15 // Data is the restart that the attempt obeys (JSON)
	KindStepTold     Kind = 16 // the runtime, which has not answered, was told again to end the attempt
	KindStepTags     Kind = 17 // Data is the tags (JSON) that the attempt's job template gives it
	KindStepWait     Kind = 18 // Text is what the attempt waits for before its work can begin; until its next status
	KindSnapshot     Kind = 19 // the last record of an entry: Data is all that the records up to here came to (snapshot.go)
)

// ofRun reports whether records of the kind are about the run, and not about one of its steps.
func (k Kind) ofRun() bool { return k <= KindRunAction || k == KindSnapshot }

// Record is one thing that happened to a run. Which fields mean something depends on Kind.
type Record struct {
	Kind    Kind
	Step    int   // ordinal of the step in the plan
	Attempt int64 // KindStepCreated only; all other step records are about the latest attempt
	Status  uint8
	At      int64 // epoch milliseconds
	A, B    int64
	Text    string
	Data    []byte
}

// Flags of KindStepCreated.
const (
	FlagManual     int64 = 1 << iota // restarted by a user: it never retries by itself
	FlagSkip                         // to be skipped
	FlagEndingOnly                   // made only to be ended: the step awaited its retry when somebody ended it
)

const entryVersion = 1

// The fields present in an encoded record.
const (
	hasStep = 1 << iota
	hasAttempt
	hasStatus
	hasAt
	hasA
	hasB
	hasText
	hasData
)

// AppendEntry appends the records of one Apply as one journal entry: a version, the time of the first record, and then
// each record as its kind, a mask of the fields it has and those fields, times relative to the first.
func AppendEntry(dst []byte, records []Record) []byte {
	dst = append(dst, entryVersion)
	var base int64
	if len(records) > 0 {
		base = records[0].At
	}
	dst = binary.AppendVarint(dst, base)
	for i := range records {
		dst = appendRecord(dst, &records[i], base)
	}
	return dst
}

func appendRecord(dst []byte, r *Record, base int64) []byte {
	dst = append(dst, byte(r.Kind), 0)
	mask := len(dst) - 1
	if r.Step != 0 {
		dst[mask] |= hasStep
		dst = binary.AppendUvarint(dst, uint64(r.Step))
	}
	if r.Attempt != 0 {
		dst[mask] |= hasAttempt
		dst = binary.AppendUvarint(dst, uint64(r.Attempt))
	}
	if r.Status != 0 {
		dst[mask] |= hasStatus
		dst = append(dst, r.Status)
	}
	if r.At != base {
		dst[mask] |= hasAt
		dst = binary.AppendVarint(dst, r.At-base)
	}
	if r.A != 0 {
		dst[mask] |= hasA
		dst = binary.AppendVarint(dst, r.A)
	}
	if r.B != 0 {
		dst[mask] |= hasB
		dst = binary.AppendVarint(dst, r.B)
	}
	if r.Text != "" {
		dst[mask] |= hasText
		dst = binary.AppendUvarint(dst, uint64(len(r.Text)))
		dst = append(dst, r.Text...)
	}
	if r.Data != nil {
		dst[mask] |= hasData
		dst = binary.AppendUvarint(dst, uint64(len(r.Data)))
		dst = append(dst, r.Data...)
	}
	return dst
}

// ErrNewer says that stored data was written by another version of this program and cannot be read by this one. It may
// be sound.
var ErrNewer = errors.New("instance: data of another version")

var errTruncated = errors.New("instance: journal entry is cut short")

// DecodeEntry returns the records of a journal entry. Text and Data are copies.
func DecodeEntry(data []byte) ([]Record, error) {
	records, err := decodeSome(data)
	if err != nil {
		return nil, err
	}
	return records, nil
}

// decodeSome returns the records of an entry up to where it makes no sense, and why it makes none.
func decodeSome(data []byte) ([]Record, error) {
	if len(data) == 0 {
		return nil, errTruncated
	}
	if data[0] != entryVersion {
		return nil, fmt.Errorf("%w: it has version %d, this program knows %d", ErrNewer, data[0], entryVersion)
	}
	d := decoder{data: data[1:]}
	base := d.varint()
	var records []Record
	for len(d.data) > 0 {
		r := d.record(base)
		if d.err != nil {
			break
		}
		records = append(records, r)
	}
	return records, d.err
}

type decoder struct {
	data []byte
	err  error
}

func (d *decoder) record(base int64) (r Record) {
	r.Kind = Kind(d.byte())
	mask := d.byte()
	r.At = base
	if mask&hasStep != 0 {
		r.Step = int(d.uvarint())
	}
	if mask&hasAttempt != 0 {
		r.Attempt = int64(d.uvarint())
	}
	if mask&hasStatus != 0 {
		r.Status = d.byte()
	}
	if mask&hasAt != 0 {
		r.At += d.varint()
	}
	if mask&hasA != 0 {
		r.A = d.varint()
	}
	if mask&hasB != 0 {
		r.B = d.varint()
	}
	if mask&hasText != 0 {
		r.Text = string(d.bytes())
	}
	if mask&hasData != 0 {
		r.Data = slices.Clone(d.bytes())
		if r.Data == nil {
			r.Data = []byte{}
		}
	}
	return r
}

func (d *decoder) fail() { d.err, d.data = errTruncated, nil }

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.fail()
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.data)) {
		d.fail()
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}
