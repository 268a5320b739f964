package main

import (
	"os"
	"strings"
)

// screen is what an output is shown on.
type screen struct {
	tty  bool
	size func() (width, height int) // asked each time it matters; windows are resized
}

// screenOf looks at where f goes.
func screenOf(f *os.File) screen {
	if _, _, ok := terminalSize(f); !ok {
		return screen{size: func() (int, int) { return 80, 24 }}
	}
	return screen{tty: true, size: func() (int, int) {
		w, h, ok := terminalSize(f)
		if !ok || w <= 0 || h <= 0 { // some terminals do not know
			return 80, 24
		}
		return w, h
	}}
}

// color reports whether output is coloured.
func (p *program) color() bool {
	return p.screen.tty && !p.noColor && p.env("NO_COLOR") == "" && p.env("TERM") != "dumb"
}

// live reports whether a view can be redrawn in place.
func (p *program) live() bool { return p.screen.tty && p.env("TERM") != "dumb" }

// unicode reports whether the terminal shows more than ASCII, as far as the locale tells.
func (p *program) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if s := strings.ToUpper(p.env(name)); s != "" {
			return strings.Contains(s, "UTF-8") || strings.Contains(s, "UTF8")
		}
	}
	return true
}
