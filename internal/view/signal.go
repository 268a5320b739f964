package view

import (
	"maestro/internal/doc"
	"maestro/internal/instance"
)

// signalDependencies returns signal_dependencies as shown (spec/signals-triggers 3): each dependency as it was
// evaluated, with what became of it, and a line for the timeline when somebody bypassed them.
func signalDependencies(a *instance.Attempt) ([]byte, []instance.Line) {
	list := parsed(a.Deps)
	if list.IsNull() || len(list.Items) == 0 || a.Times[instance.Initialized] == 0 {
		return nil, nil // a later attempt has them from the one before, but shows them only once it is initialized
	}
	var bypass instance.Dependency
	o := doc.Open(nil)
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
		if now.Status == instance.SignalSkipped {
			bypass = now
		}
		d := doc.Open(o.Out)
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
	if bypass.Status != instance.SignalSkipped {
		return o.Close(), nil
	}
	line := instance.InfoLine("Signal step dependencies have been bypassed by user [" + bypass.By + "]")
	line.At = bypass.At
	o.Key("info")
	o.Out = AppendLine(o.Out, &line)
	return o.Close(), []instance.Line{line}
}

var signalNames = [...]string{
	instance.SignalPending: "PENDING",
	instance.SignalMatched: "MATCHED",
	instance.SignalSkipped: "SKIPPED",
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
	o := doc.Open(nil)
	o.Raw("outputs", a.Sent)
	o.Key("info")
	o.Out = AppendLine(o.Out, &line)
	return o.Close(), []instance.Line{line}
}
