package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// style is an ANSI colour, empty for none.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
)

// paint returns text in a style, if colours are on.
func paint(on bool, s style, text string) string {
	if !on || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// statusStyle returns the colour of a run's or step's status.
func statusStyle(status string) style {
	switch status {
	case "SUCCEEDED":
		return green
	case "FAILED", "FATALLY_FAILED", "INTERNALLY_FAILED", "TIMED_OUT":
		return red
	case "USER_FAILED", "PLATFORM_FAILED", "TIMEOUT_FAILED", "STOPPED", "PAUSED", "COMPLETED_WITH_ERROR":
		return yellow
	case "IN_PROGRESS", "RUNNING", "STARTING", "FINISHING":
		return blue
	case "NOT_CREATED", "UNSATISFIED", "SKIPPED", "DISABLED":
		return dim
	}
	return plain
}

// cell is a field of a table.
type cell struct {
	text  string
	style style
}

func text(s string) cell { return cell{text: s} }

func status(s string) cell { return cell{text: s, style: statusStyle(s)} }

// table is printed with its columns aligned and without lines, so that it reads well and cuts well.
type table struct {
	head []string
	rows [][]cell
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// print writes the table to the program's output.
func (t *table) print(p *program) {
	var b strings.Builder
	widths := make([]int, len(t.head))
	for i, h := range t.head {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	line := func(row []cell) {
		var l strings.Builder
		for i, c := range row {
			l.WriteString(paint(p.color(), c.style, c.text))
			if i < len(row)-1 {
				l.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " "))
		b.WriteByte('\n')
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, bold}
	}
	line(head)
	for _, row := range t.rows {
		line(row)
	}
	fmt.Fprint(p.out, b.String())
}

// facts is a list of names and values about one thing. Empty values are left out.
type facts struct {
	names  []string
	values []cell
}

func (f *facts) add(name string, value cell) {
	if value.text != "" {
		f.names = append(f.names, name)
		f.values = append(f.values, value)
	}
}

func (f *facts) print(p *program) {
	width := 0
	for _, n := range f.names {
		width = max(width, len(n))
	}
	for i, n := range f.names {
		fmt.Fprintf(p.out, "%s%s  %s\n", paint(p.color(), bold, n), strings.Repeat(" ", width-len(n)),
			paint(p.color(), f.values[i].style, f.values[i].text))
	}
}

// json prints what the server said: as it came, or indented for a reader at a terminal.
func (p *program) json(documents ...json.RawMessage) error {
	if len(documents) == 0 {
		return nil
	}
	one := documents[0]
	if len(documents) > 1 {
		var err error
		if one, err = json.Marshal(documents); err != nil {
			return fmt.Errorf("print JSON: %w", err)
		}
	}
	one = bytes.TrimSpace(one)
	if p.screen.tty {
		var b bytes.Buffer
		if json.Indent(&b, one, "", "  ") == nil {
			one = b.Bytes()
		}
	}
	_, err := fmt.Fprintf(p.out, "%s\n", one)
	return err
}

func (p *program) wantsJSON() bool { return p.output == "json" }

// printed is where the program prints what was asked for. It remembers when that failed, as on a full disk: a script must
// not take half of an answer for the whole.
type printed struct {
	to io.Writer

	mu  sync.Mutex
	err error
}

func (w *printed) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = err
	}
	return n, err
}

// failure returns why something could not be printed, or nil.
func (w *printed) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return fmt.Errorf("print: %w", w.err)
	}
	return nil
}

// printf prints what was asked for.
func (p *program) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// note tells a person something that no script needs.
func (p *program) note(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.err, format+"\n", args...)
	}
}
