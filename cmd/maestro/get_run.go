package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"maestro/client"
)

func (p *program) showRun(ctx context.Context, c *client.Client, ref client.RunRef, enriched bool) error {
	in, err := c.Instance(ctx, ref, enriched)
	if err != nil {
		return err
	}
	if p.wantsJSON() {
		return p.json(in.JSON)
	}
	var f facts
	f.add("run", cell{runName(in), bold})
	f.add("status", status(in.Status))
	f.add("version", text(strconv.FormatInt(in.Version, 10)))
	f.add("created", text(fmt.Sprintf("%s by %s", p.ago(in.CreateTime), initiator(in))))
	if in.StartTime != 0 {
		f.add("duration", text(p.lasted(in.StartTime, in.EndTime)))
	}
	f.add("params", text(given(in.RunParams)))
	if in.Status != "SUCCEEDED" {
		f.add("last event", text(lastEvent(in.Timeline)))
	}
	f.print(p)
	t, err := p.stepTable(ctx, c, ref, in)
	if err != nil || len(t.rows) == 0 {
		return err
	}
	p.printf("\n")
	t.print(p)
	return nil
}

// lastEvent is the sentence of the last event that has one, with what explains it.
func lastEvent(timeline []client.TimelineEvent) string {
	for i := len(timeline) - 1; i >= 0; i-- {
		switch ev := timeline[i]; {
		case len(ev.Errors) > 0:
			why, _, _ := strings.Cut(ev.Errors[0], "\n")
			return ev.Message + ": " + why // whole, since it says what to do
		case ev.Message != "":
			return firstLine(ev.Message)
		}
	}
	return ""
}

// stepTable lists the steps in the order of the definition, then those that are not in it.
func (p *program) stepTable(ctx context.Context, c *client.Client, ref client.RunRef, in *client.Instance) (*table, error) {
	t := &table{head: []string{"STEP", "STATUS", "ATTEMPT", "STARTED", "DURATION"}}
	attempts, _, err := c.Steps(ctx, ref)
	if err != nil && !notFound(err) { // a run that has reached no step yet has none to list
		return nil, err
	}
	byID := map[string]*client.StepInstance{}
	ids := in.Workflow.StepIDs()
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	for _, a := range attempts {
		byID[a.StepID] = a
		if !known[a.StepID] {
			ids = append(ids, a.StepID)
		}
	}
	for _, id := range ids {
		a := byID[id]
		if a == nil {
			t.add(text(id), status("NOT_CREATED"), text("-"), text("-"), text("-"))
			continue
		}
		t.add(text(id), status(a.State.Status), text(strconv.FormatInt(a.Attempt, 10)),
			text(p.ago(a.State.StartTime)), text(p.lasted(a.State.StartTime, a.State.EndTime)))
	}
	return t, nil
}

func (p *program) showStep(ctx context.Context, c *client.Client, ref client.StepRef, enriched bool) error {
	s, err := c.Step(ctx, ref, enriched)
	if err != nil {
		return err
	}
	if p.wantsJSON() {
		return p.json(s.JSON)
	}
	var f facts
	f.add("step", cell{client.StepRef{RunRef: client.RunRef{Workflow: s.WorkflowID, Instance: s.Instance}, Step: s.StepID}.String(), bold})
	f.add("status", status(s.State.Status))
	if s.WaitsFor != "" {
		f.add("waits for", text(s.WaitsFor))
	}
	f.add("attempt", text(fmt.Sprintf("%d of run %d", s.Attempt, s.Run)))
	f.add("type", text(stepType(s.Definition)))
	f.add("created", text(p.ago(s.State.CreateTime)))
	if s.State.StartTime != 0 {
		f.add("started", text(p.ago(s.State.StartTime)))
		f.add("duration", text(p.lasted(s.State.StartTime, s.State.EndTime)))
	}
	f.add("artifacts", text(strings.Join(namesOf(s.Artifacts), ", ")))
	f.print(p)
	if names := namesOf(s.Params); len(names) > 0 {
		var params map[string]json.RawMessage
		_ = json.Unmarshal(s.Params, &params) // namesOf has read it already
		p.printf("\n")
		t := table{head: []string{"PARAM", "VALUE"}}
		width, _ := p.screen.size()
		for _, n := range names {
			t.add(text(n), text(clip(valueOf(params[n]), max(width, 80))))
		}
		t.print(p)
	}
	if len(s.Timeline) > 0 {
		p.printf("\n")
		for _, ev := range s.Timeline {
			p.printf("%s  %s\n", p.clock(ev.Timestamp), timelineText(ev))
		}
	}
	return nil
}

// timelineText is the sentence of a timeline event, whatever its kind.
func timelineText(ev client.TimelineEvent) string {
	switch {
	case ev.Message != "" && ev.Level != "" && ev.Level != "INFO":
		return ev.Level + ": " + ev.Message
	case ev.Message != "":
		return ev.Message
	case ev.Action != "":
		return ev.Action
	}
	return ev.Status
}

// stepType reads the type of a step from its definition, which is wrapped in an object that names its family.
func stepType(definition json.RawMessage) string {
	var wrapper map[string]struct{ Type string }
	_ = json.Unmarshal(definition, &wrapper) // best effort: without it there is no type to show
	for family, d := range wrapper {
		if d.Type != "" {
			return d.Type
		}
		return family
	}
	return ""
}

// given writes params in one line.
func given(params json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(params, &members) // best effort: a run without params has none to show
	var parts []string
	for _, n := range namesOf(params) {
		parts = append(parts, n+"="+valueOf(members[n]))
	}
	return clip(strings.Join(parts, " "), 100)
}
