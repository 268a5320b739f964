package view

import (
	"slices"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// AppendLine appends one timeline event (spec/api 3.3).
func AppendLine(dst []byte, l *instance.Line) []byte {
	o := doc.Open(dst)
	o.Int("timestamp", l.At)
	o.Text("type", l.Type)
	switch l.Type {
	case "LOG":
		o.Text("level", orText(l.Level, "INFO"))
		o.Text("message", l.Message)
	case "ACTION":
		o.TextIf("action", l.Action)
		o.TextIf("author", l.Author)
		o.TextIf("message", l.Message)
		o.TextIf("reason", l.Reason)
	default:
		o.TextIf("status", l.Status)
		o.TextIf("message", l.Message)
		if len(l.Errors) > 0 {
			o.Key("errors")
			o.Out = doc.AppendTexts(o.Out, l.Errors)
		}
		if l.Type == "DETAILS" {
			o.Bool("retryable", l.Retryable != nil && *l.Retryable)
		}
	}
	return o.Close()
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// moment is a place in a timeline: a line, or a status that something entered.
type moment struct {
	at     int64
	line   *instance.Line
	status string
	last   bool // a terminal status: it comes after the lines of its time
}

// appendMoments appends a timeline in order of time (spec/engine 20). Of one and the same time, what comes first in the
// list comes first, except that a terminal status comes last: the lines that explain it were written with it.
func appendMoments(dst []byte, list []moment) []byte {
	slices.SortStableFunc(list, func(a, b moment) int {
		switch {
		case a.at != b.at:
			if a.at < b.at {
				return -1
			}
			return 1
		case a.last == b.last:
			return 0
		case a.last:
			return 1
		default:
			return -1
		}
	})
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &list[i]
		if m.line != nil {
			dst = AppendLine(dst, m.line)
			continue
		}
		o := doc.Open(dst)
		o.Int("timestamp", m.at)
		o.Text("type", "STATUS")
		o.Text("status", m.status)
		dst = o.Close()
	}
	return append(dst, ']')
}

func lines(list []moment, from []instance.Line) []moment {
	for i := range from {
		list = append(list, moment{at: from[i].At, line: &from[i]})
	}
	return list
}

// appendRunTimeline appends the timeline of a run. An enriched one also tells when it changed status.
func appendRunTimeline(dst []byte, r *instance.Run, enriched bool) []byte {
	list := lines(make([]moment, 0, len(r.Lines)+3), r.Lines)
	if enriched {
		list = append(list, moment{at: r.Created, status: "CREATED"})
		if r.Started != 0 {
			list = append(list, moment{at: r.Started, status: "IN_PROGRESS"})
		}
		if r.Ended != 0 {
			list = append(list, moment{at: r.Ended, status: r.Status.String(), last: true})
		}
	}
	return appendMoments(dst, list)
}

// appendStepTimeline appends the timeline of an attempt. An enriched one also tells when it changed status and what
// became of its signals; extra are those lines.
func appendStepTimeline(dst []byte, a *instance.Attempt, enriched bool, extra []instance.Line) []byte {
	list := make([]moment, 0, len(a.Lines)+len(a.Times)+1)
	if enriched {
		for s := instance.StepCreated; int(s) < len(a.Times); s++ {
			if a.Times[s] != 0 {
				list = append(list, moment{at: a.Times[s], status: s.String()})
			}
		}
		if a.Ended != 0 {
			list = append(list, moment{at: a.Ended, status: a.Status.String(), last: true})
		}
	}
	list = lines(list, a.Lines)
	if enriched {
		list = lines(list, extra)
	}
	return appendMoments(dst, list)
}
