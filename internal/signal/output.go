package signal

import (
	"fmt"

	"maestro/internal/doc"
)

// Output is a signal that a step announces when it has succeeded (spec 4).
type Output struct {
	Name    string
	Params  Params
	Payload []byte // JSON object, nil for none

	Seq       int64 // once announced: its number, or Repeated
	Announced int64 // epoch milliseconds, 0 for one that was there already
}

// Repeated stands for the number of an output that was announced before, by another attempt or run: it is done, but it is
// not this attempt's.
const Repeated = -1

// AppendOutputs appends outputs as they are stored and shown (spec 4.3).
func AppendOutputs(dst []byte, list []Output) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := &list[i]
		out := doc.Open(dst)
		out.Text("name", o.Name)
		if len(o.Params) > 0 {
			out.Key("params")
			out.Out = o.Params.AppendJSON(out.Out)
		}
		out.IntIf("signal_id", o.Seq)
		out.IntIf("announce_time", o.Announced)
		out.Raw("payload", o.Payload)
		dst = out.Close()
	}
	return append(dst, ']')
}

// DecodeOutputs reads outputs that are not announced yet.
func DecodeOutputs(data []byte) ([]Output, error) {
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, fmt.Errorf("signal: outputs of a step cannot be read: %w", err)
	}
	list := make([]Output, len(n.Items))
	for i, item := range n.Items {
		list[i] = Output{Params: paramsOf(item.Field("params"))}
		if name := item.Field("name"); name != nil {
			list[i].Name = name.Text
		}
		if p := item.Field("payload"); !p.IsNull() {
			list[i].Payload = doc.AppendNode(nil, p)
		}
	}
	return list, nil
}
