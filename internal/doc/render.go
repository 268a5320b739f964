package doc

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Render returns the problems for people: one paragraph each, with the line of the text that it is about and a caret
// under the place.
//
//	flow.json:3:14: error: workflow.steps[0].step unknown field `tipe`, did you mean `type`?
//	  {"step": {"id": "a", "tipe": "NoOp"}}
//	                       ^
func Render(text []byte, file string, problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s%s: %s\n", place(file, p.Pos), p.Severity, oneLine(p))
		b.WriteString(Excerpt(text, p.Pos))
	}
	return b.String()
}

// Excerpt returns the line of the text that pos is on and a caret under the place, as two lines, or nothing where the text
// has nothing there.
func Excerpt(text []byte, pos Pos) string {
	line, col, ok := lineAt(text, pos)
	if !ok || len(bytes.TrimSpace(line)) == 0 {
		return ""
	}
	return fmt.Sprintf("  %s\n  %s^\n", line, strings.Repeat(" ", col))
}

func place(file string, pos Pos) string {
	switch {
	case pos.Line == 0 && file == "":
		return ""
	case pos.Line == 0:
		return file + ": "
	case file == "":
		return fmt.Sprintf("%d:%d: ", pos.Line, pos.Col)
	}
	return fmt.Sprintf("%s:%d:%d: ", file, pos.Line, pos.Col)
}

func oneLine(p Problem) string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + " " + p.Message
}

// lineAt returns the line that pos is on, cut to a window when it is long, and the column of pos in it as runes. Tabs
// become spaces, so that the caret stands where it should.
func lineAt(text []byte, pos Pos) (line []byte, col int, ok bool) {
	const window = 120
	if pos.Line < 1 {
		return nil, 0, false
	}
	for n := int32(1); n < pos.Line; n++ {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return nil, 0, false
		}
		text = text[end+1:]
	}
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	}
	text = bytes.TrimSuffix(text, []byte("\r"))
	at := min(max(int(pos.Col)-1, 0), len(text))
	from := 0
	if at > window*3/4 {
		from = runeStart(text, at-window/2)
	}
	to := len(text)
	if to-from > window {
		to = runeStart(text, from+window)
	}
	line = bytes.ReplaceAll(bytes.ToValidUTF8(text[from:to], []byte("?")), []byte("\t"), []byte(" "))
	col = utf8.RuneCount(text[from:at])
	if from > 0 {
		line = append([]byte("…"), line...)
		col++
	}
	if to < len(text) {
		line = append(line, "…"...)
	}
	return line, col, true
}

func runeStart(text []byte, i int) int {
	for i > 0 && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}
