package view

import (
	"strings"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// signalDependencies returns signal_dependencies as shown (spec/signals-triggers 3): each dependency as it was
// evaluated, with what became of it, and a line for the timeline when somebody bypassed them.
func signalDependencies(a *instance.Attempt) ([]byte, []instance.Line) {
	list := parsed(a.Deps)
	if list == nil || a.Times[instance.Initialized] == 0 && len(a.Signals) == 0 {
		return nil, nil
	}
	if list.Kind == doc.Object { // stored with its envelope
		list = list.Field("dependencies")
	}
	if list.IsNull() || len(list.Items) == 0 {
		return nil, nil
	}
	bypassed := false
	o := Open(nil)
	o.Key("dependencies")
	o.Out = append(o.Out, '[')
	for i, item := range list.Items {
		if i > 0 {
			o.Out = append(o.Out, ',')
		}
		var now instance.Dependency
		if i < len(a.Signals) {
			now = a.Signals[i]
		}
		bypassed = bypassed || now.Status == instance.SignalSkipped
		d := Open(o.Out)
		if name := item.Field("name"); !name.IsNull() {
			d.Text("name", name.Text)
		}
		d.Text("status", signalNames[now.Status])
		for j := range item.Members {
			if m := &item.Members[j]; m.Name != "name" && m.Name != "status" && m.Name != "signal_id" {
				d.Name(m.Name)
				d.Out = doc.AppendNode(d.Out, m.Value)
			}
		}
		d.IntIf("signal_id", now.Sequence)
		o.Out = d.Close()
	}
	o.Out = append(o.Out, ']')
	if !bypassed {
		return o.Close(), nil
	}
	line := bypassLine(a)
	o.Key("info")
	o.Out = AppendLine(o.Out, &line)
	return o.Close(), []instance.Line{line}
}

var signalNames = [...]string{
	instance.SignalPending: "PENDING",
	instance.SignalMatched: "MATCHED",
	instance.SignalSkipped: "SKIPPED",
}

// bypassLine tells who bypassed the dependencies. The attempt's own timeline knows.
func bypassLine(a *instance.Attempt) instance.Line {
	line := instance.InfoLine("Signal step dependencies have been bypassed")
	line.At = a.Times[instance.WaitingForSignals]
	for i := range a.Lines {
		if strings.Contains(a.Lines[i].Message, "["+instance.Bypass.String()+"]") {
			line.At = a.Lines[i].At
			if _, rest, ok := strings.Cut(a.Lines[i].Message, "User ["); ok {
				if user, _, ok := strings.Cut(rest, "] take"); ok {
					line.Message += " by user [" + user + "]"
				}
			}
		}
	}
	return line
}

// signalOutputs returns signal_outputs as shown, nil while nothing was sent. An attempt that finished without sending
// any has an empty object (spec/api 3.9).
func signalOutputs(a *instance.Attempt) ([]byte, []instance.Line) {
	if len(a.Sent) == 0 {
		finished := a.Status == instance.Succeeded || a.Status == instance.InternallyFailed && a.Edges != nil
		if a.Times[instance.Finishing] != 0 && finished {
			return emptyObject, nil
		}
		return nil, nil
	}
	line := instance.InfoLine("Signal step outputs have been completed.")
	line.At = max(a.Ended, a.Times[instance.Finishing])
	if a.Sent[0] != '[' {
		return a.Sent, []instance.Line{line}
	}
	o := Open(nil)
	o.Raw("outputs", a.Sent)
	o.Key("info")
	o.Out = AppendLine(o.Out, &line)
	return o.Close(), []instance.Line{line}
}
