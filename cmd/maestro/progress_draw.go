package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"maestro/client"
)

// maxIDWidth is how wide the column of step ids becomes at most.
const maxIDWidth = 40

// draw replaces the last frame by the present one.
func (v *progress) draw() {
	width, height := v.size()
	lines := v.frame(width, height)
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.drawn) // to the first line of the last frame
	}
	for _, l := range lines {
		b.WriteString("\r\x1b[2K" + l + "\n")
	}
	if len(lines) < v.drawn {
		b.WriteString("\x1b[J") // what the last frame had below
	}
	v.drawn = len(lines)
	fmt.Fprint(v.out, b.String())
}

// frame returns the lines of a view that fits the screen: all steps where there is room for them, else counts of the
// steps that are done or pending, and the ones that matter by name.
func (v *progress) frame(width, height int) []string {
	room := max(height-2, 4) // the heading, and a last line for the cursor
	lines := []string{v.heading()}
	if len(v.steps) <= room {
		for _, s := range v.steps {
			lines = append(lines, v.stepLine(s))
		}
	} else {
		lines = append(lines, v.collapsed(room)...)
	}
	for i := range lines {
		lines[i] = cut(lines[i], width-1, v.color)
	}
	return lines
}

func (v *progress) heading() string {
	status := v.status
	if status == "" {
		status = "CREATED"
	}
	h := fmt.Sprintf("%s  %s", v.ref, paint(v.color, statusStyle(status), status))
	if v.started != 0 {
		end := v.ended
		if end == 0 {
			end = v.now().UnixMilli()
		}
		h += "  " + span(time.Duration(end-v.started)*time.Millisecond)
	}
	if v.lost {
		h += "  " + paint(v.color, yellow, "connection lost, trying again")
	}
	return h
}

// collapsed is the view of a run with more steps than lines.
func (v *progress) collapsed(room int) []string {
	var bad, busy []*stepProgress
	done, ok, waiting := 0, []string{}, 0
	for _, t := range v.tallies() {
		switch {
		case t.standing.done() && !t.standing.bad():
			done += t.n
			if t.n > 0 {
				ok = append(ok, group(t.n)+" "+t.standing.word())
			}
		case t.standing == pending:
			waiting = t.n
		}
	}
	for _, s := range v.steps {
		switch st := stand(s.status, v.ended != 0); {
		case st.bad():
			bad = append(bad, s)
		case st == active:
			busy = append(busy, s)
		}
	}
	var lines []string
	if done > 0 {
		lines = append(lines, v.countLine(succeeded, strings.Join(ok, ", ")))
		room--
	}
	if waiting > 0 {
		room--
	}
	// Failures come first, but leave a line for what runs.
	forBad := room
	if len(busy) > 0 {
		forBad = max(room*2/3, room-len(busy))
	}
	shown := v.some(bad, forBad, failed, "failed")
	lines = append(lines, shown...)
	lines = append(lines, v.some(busy, room-len(shown), active, "running")...)
	if waiting > 0 {
		lines = append(lines, v.countLine(pending, group(waiting)+" "+pending.word()))
	}
	return lines
}

// some shows as many steps as there is room for, and how many there are besides.
func (v *progress) some(steps []*stepProgress, room int, st standing, word string) []string {
	var lines []string
	rest := 0
	if len(steps) > room {
		rest = len(steps) - max(room-1, 0)
		steps = steps[:max(room-1, 0)]
	}
	for _, s := range steps {
		lines = append(lines, v.stepLine(s))
	}
	if rest > 0 && room > 0 {
		more := " more "
		if len(steps) == 0 {
			more = " "
		}
		lines = append(lines, v.countLine(st, group(rest)+more+word))
	}
	return lines
}

func (v *progress) countLine(st standing, text string) string {
	return "  " + paint(v.color, st.style(), st.glyph(v.unicode)) + " " + text
}

// stepLine is one step: glyph, id, status, how long, and what else there is to say.
func (v *progress) stepLine(s *stepProgress) string {
	st := stand(s.status, v.ended != 0)
	width, _ := v.size()
	most := min(maxIDWidth, width/2)
	idWidth, statusWidth := utf8.RuneCountInString(s.id), 0
	if len(v.steps) <= 1000 { // beyond that the columns are not worth the walk
		for _, other := range v.steps {
			idWidth = max(idWidth, utf8.RuneCountInString(other.id))
			if stand(other.status, v.ended != 0) != pending {
				statusWidth = max(statusWidth, len(other.status))
			}
		}
	}
	idWidth = min(idWidth, most)
	id := clip(s.id, idWidth)
	if !v.unicode {
		id = strings.ReplaceAll(id, "…", "~")
	}
	line := fmt.Sprintf("  %s %-*s", paint(v.color, st.style(), st.glyph(v.unicode)), idWidth, id)
	if st == pending {
		return strings.TrimRight(line, " ")
	}
	pad := strings.Repeat(" ", max(statusWidth-len(s.status), 0))
	line += "  " + paint(v.color, st.style(), s.status) + pad + v.details(s)
	return strings.TrimRight(line, " ")
}

// details is what follows a step's status: how long it took, which attempt it is and why it is so.
func (v *progress) details(s *stepProgress) string {
	var b strings.Builder
	if s.started != 0 && (client.StepTerminal(s.status) || v.live) {
		end := s.ended
		if end == 0 {
			end = v.now().UnixMilli()
		}
		fmt.Fprintf(&b, "  %s", span(time.Duration(end-s.started)*time.Millisecond))
	}
	if s.attempt > 1 {
		fmt.Fprintf(&b, "  attempt %d", s.attempt)
	}
	if s.why != "" {
		fmt.Fprintf(&b, "  %s", firstLine(s.why))
	}
	return b.String()
}

// cut shortens a line to a width. Colours have none, but must not go on after the line.
func cut(line string, width int, color bool) string {
	n, escape := 0, false
	for i, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		case n == width:
			if color {
				return line[:i] + "\x1b[0m"
			}
			return line[:i]
		default:
			n++
		}
	}
	return line
}
