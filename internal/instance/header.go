package instance

import (
	"encoding/binary"
	"fmt"
	"slices"

	"maestro/param"
	"maestro/spec"
)

// Header is what was decided when a run was accepted. It never changes, and is stored in the run's row.
//
// Fields in JSON are kept as they are shown; little or nothing looks inside of them.
type Header struct {
	Correlation string // empty: the default, made of the run's own numbers
	Requested   int64  // request_time
	Policy      string // run policy; empty: START_FRESH_NEW_RUN
	Depth       int64  // number of ancestors

	Initiator  []byte      // JSON of the initiator
	Restart    []byte      // JSON of run_config's restart_config, nil for none
	RunParams  *param.Defs // of the request, nil for none
	Properties []byte      // JSON of run_properties
	Tags       spec.Tags   // the run's own (runtime_tags), which a restart takes over
	Artifacts  []byte      // JSON of the instance's artifacts, nil for none
	Baseline   *Baseline   // the aggregated view of all earlier runs, nil for a first run
	Line       *Line       // the first line of the timeline; its time is Requested

	Timeout     int64  // milliseconds, 0 for the default
	HasParams   bool   // params were evaluated (a run that failed before has none)
	Params      []byte // results of the evaluation of the run's params (param.AppendResults)
	Defaults    string // fingerprint of the set of default params that the run has
	Plan        uint32 // sum of the plan that the run was started with (Plan.Sum)
	StepLimit   int64  // instance_step_concurrency of the run, 0 for none
	Start       []int  // restart: the definition-order indexes of the steps that the DAG starts from, nil for all
	Target      int    // restart from one step: its index in definition order plus 1, 0 for none
	Skip        []int  // restart: indexes in definition order of steps to skip
	GroupInfo   int64
	ExecutionID string   // empty: the run's uuid
	Signals     *Signals // nil for none

	initiator  *Initiator  // read from Initiator when first needed
	properties *properties // read from Properties when first needed
}

// The tags of encoded header fields. The numbers are stored; never change one.
const (
	tagCorrelation = iota + 1
	tagRequested
	tagPolicy
	tagDepth
	tagInitiator
	tagRestart
	tagRunParams
	tagProperties
	tagTags
	tagArtifacts
	tagBaseline
	_
	tagLine
	tagTimeout
	tagParams
	tagDefaults
	tagStepLimit
	tagStart
	tagTarget
	tagSkip
	tagGroupInfo
	tagExecutionID
	tagSignals
	tagPlan
)

const headerVersion = 1

// AppendHeader appends h in its stored form: a version, then each field that is set as tag, length and bytes.
func (h *Header) AppendHeader(dst []byte) []byte {
	dst = append(dst, headerVersion)
	text := func(tag byte, s string) {
		if s != "" {
			dst = binary.AppendUvarint(append(dst, tag), uint64(len(s)))
			dst = append(dst, s...)
		}
	}
	bytes := func(tag byte, b []byte) {
		if b != nil {
			dst = binary.AppendUvarint(append(dst, tag), uint64(len(b)))
			dst = append(dst, b...)
		}
	}
	var buf [binary.MaxVarintLen64]byte
	number := func(tag byte, n int64) {
		if n != 0 {
			bytes(tag, buf[:binary.PutVarint(buf[:], n)])
		}
	}
	ints := func(tag byte, list []int) {
		if list != nil {
			b := []byte{}
			for _, n := range list {
				b = binary.AppendUvarint(b, uint64(n))
			}
			bytes(tag, b)
		}
	}
	text(tagCorrelation, h.Correlation)
	number(tagRequested, h.Requested)
	text(tagPolicy, h.Policy)
	number(tagDepth, h.Depth)
	bytes(tagInitiator, h.Initiator)
	bytes(tagRestart, h.Restart)
	if h.RunParams != nil {
		bytes(tagRunParams, h.RunParams.AppendStored(nil))
	}
	bytes(tagProperties, h.Properties)
	if h.Tags != nil {
		bytes(tagTags, h.Tags.AppendJSON(nil))
	}
	bytes(tagArtifacts, h.Artifacts)
	if h.Baseline != nil {
		bytes(tagBaseline, h.Baseline.append(nil))
	}
	if h.Line != nil {
		bytes(tagLine, h.Line.Encode())
	}
	number(tagTimeout, h.Timeout)
	if h.HasParams {
		bytes(tagParams, append([]byte{}, h.Params...))
	}
	text(tagDefaults, h.Defaults)
	number(tagPlan, int64(h.Plan))
	number(tagStepLimit, h.StepLimit)
	ints(tagStart, h.Start)
	number(tagTarget, int64(h.Target))
	ints(tagSkip, h.Skip)
	number(tagGroupInfo, h.GroupInfo)
	text(tagExecutionID, h.ExecutionID)
	if h.Signals != nil {
		bytes(tagSignals, h.Signals.append(nil))
	}
	return dst
}

// DecodeHeader reads what AppendHeader wrote. Fields of a tag it does not know are passed over.
func DecodeHeader(data []byte) (*Header, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("instance: run header is empty")
	}
	if data[0] != headerVersion {
		return nil, fmt.Errorf("%w: the run's header has version %d, this program knows %d", ErrNewer, data[0], headerVersion)
	}
	h := new(Header)
	d := decoder{data: data[1:]}
	for len(d.data) > 0 && d.err == nil {
		tag := d.byte()
		b := d.bytes()
		if d.err == nil {
			d.err = h.set(tag, b)
		}
	}
	if h.Line != nil {
		h.Line.At = h.Requested
	}
	return h, d.err
}

func (h *Header) set(tag byte, b []byte) (err error) {
	number := func() int64 { n, _ := binary.Varint(b); return n }
	data := func() []byte { return append([]byte{}, b...) }
	ints := func() []int {
		list := []int{}
		for d := (decoder{data: b}); len(d.data) > 0; {
			list = append(list, int(d.uvarint()))
		}
		return slices.Clip(list)
	}
	switch tag {
	case tagCorrelation:
		h.Correlation = string(b)
	case tagRequested:
		h.Requested = number()
	case tagPolicy:
		h.Policy = string(b)
	case tagDepth:
		h.Depth = number()
	case tagInitiator:
		h.Initiator = data()
	case tagRestart:
		h.Restart = data()
	case tagRunParams:
		h.RunParams = new(param.Defs)
		err = h.RunParams.UnmarshalJSON(b)
	case tagProperties:
		h.Properties = data()
	case tagTags:
		h.Tags = decodeTags(b)
	case tagArtifacts:
		h.Artifacts = data()
	case tagBaseline:
		h.Baseline, err = decodeBaseline(b)
	case tagLine:
		line := decodeLine(b, 0)
		h.Line = &line
	case tagTimeout:
		h.Timeout = number()
	case tagParams:
		h.HasParams, h.Params = true, data()
	case tagDefaults:
		h.Defaults = string(b)
	case tagPlan:
		h.Plan = uint32(number())
	case tagStepLimit:
		h.StepLimit = number()
	case tagStart:
		h.Start = ints()
	case tagTarget:
		h.Target = int(number())
	case tagSkip:
		h.Skip = ints()
	case tagGroupInfo:
		h.GroupInfo = number()
	case tagExecutionID:
		h.ExecutionID = string(b)
	case tagSignals:
		h.Signals, err = decodeSignals(b)
	}
	return err
}

// forget gives back what was read from the JSON fields and can be read again.
func (h *Header) forget() { h.initiator, h.properties = nil, nil }
