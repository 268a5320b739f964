package instance

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Header is what was decided when a run was accepted. It never changes, and is stored in the run's row.
//
// The JSON fields are kept as clients sent them or as they are shown; the core looks inside of none of them.
type Header struct {
	Correlation string // empty: the default, made of the run's own numbers
	Requested   int64  // request_time
	Policy      string // run policy; empty: START_FRESH_NEW_RUN
	Depth       int64  // number of ancestors

	Initiator  []byte // JSON of the initiator
	RunConfig  []byte // JSON of run_config's other members (runtime_tags, restart_config), nil for none
	RunParams  []byte // JSON of the request's run_params, nil for none
	Properties []byte // JSON of run_properties
	Tags       []byte // JSON of the run's own tags (runtime_tags), nil for none
	Artifacts  []byte // JSON of the instance's artifacts, nil for none
	Baseline   []byte // JSON of the aggregated view of all earlier runs, nil for a first run
	StepParams []byte // JSON of step_run_params, nil for none
	Line       []byte // JSON of the first timeline line

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
	ExecutionID string // empty: the run's uuid
	Signals     []byte // JSON of Signals, nil for none

	initiator  *Initiator  // read from Initiator when first needed
	properties *properties // read from Properties when first needed
	signals    *Signals    // read from Signals when first needed
}

// The tags of encoded header fields. The numbers are stored; never change one.
const (
	tagCorrelation = iota + 1
	tagRequested
	tagPolicy
	tagDepth
	tagInitiator
	tagRunConfig
	tagRunParams
	tagProperties
	tagTags
	tagArtifacts
	tagBaseline
	tagStepParams
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
	bytes(tagRunConfig, h.RunConfig)
	bytes(tagRunParams, h.RunParams)
	bytes(tagProperties, h.Properties)
	bytes(tagTags, h.Tags)
	bytes(tagArtifacts, h.Artifacts)
	bytes(tagBaseline, h.Baseline)
	bytes(tagStepParams, h.StepParams)
	bytes(tagLine, h.Line)
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
	bytes(tagSignals, h.Signals)
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
			h.set(tag, b)
		}
	}
	return h, d.err
}

func (h *Header) set(tag byte, b []byte) {
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
	case tagRunConfig:
		h.RunConfig = data()
	case tagRunParams:
		h.RunParams = data()
	case tagProperties:
		h.Properties = data()
	case tagTags:
		h.Tags = data()
	case tagArtifacts:
		h.Artifacts = data()
	case tagBaseline:
		h.Baseline = data()
	case tagStepParams:
		h.StepParams = data()
	case tagLine:
		h.Line = data()
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
		h.Signals = data()
	}
}

// forget gives back what was read from the JSON fields and can be read again.
func (h *Header) forget() { h.initiator, h.properties, h.signals = nil, nil, nil }
