package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maestro/client"
)

// TestProgress plays transcripts: directives, and below each what is written to the screen. Times are milliseconds
// after noon.
//
//	view live|lines [WIDTHxHEIGHT] [color] [ascii]
//	steps ID...            or COUNT for s1, s2 and so on
//	at MS                  sets the clock
//	run STATUS             the run changed
//	step ID STATUS [ATTEMPT [WHY]]
//	many FROM TO STATUS    steps sFROM to sTO changed
//	warn ID|- TEXT         a line of the timeline
//	lost                   the connection is gone
//	tick, finish
func TestProgress(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/progress/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, path, playProgress(t, string(want)), string(want))
		})
	}
}

func playProgress(t *testing.T, text string) string {
	t.Helper()
	var out, screen strings.Builder
	noon := time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	now := noon
	var v *progress
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "> ") || line == ">" {
			continue
		}
		out.WriteString(line + "\n")
		words := fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		switch words[0] {
		case "view":
			p := testProgram(&screen, &screen, "")
			p.env = func(string) string { return "" }
			p.now = func() time.Time { return now }
			v = p.newProgress(client.RunRef{Workflow: "demo", Instance: 1}, nil)
			v.unicode = true
			for _, w := range words[1:] {
				switch w {
				case "live":
					v.live = true
				case "lines":
				case "color":
					v.color = true
				case "ascii":
					v.unicode = false
				default:
					var width, height int
					fmt.Sscanf(w, "%dx%d", &width, &height)
					v.size = func() (int, int) { return width, height }
				}
			}
		case "steps":
			if n, err := strconv.Atoi(words[1]); err == nil {
				for i := range n {
					v.step(fmt.Sprintf("s%d", i+1))
				}
				break
			}
			for _, id := range words[1:] {
				v.step(id)
			}
		case "at":
			now = noon.Add(time.Duration(number(t, words[1])) * time.Millisecond)
		case "run":
			v.event(client.Event{Run: &client.RunEvent{WorkflowID: "demo", Instance: 1, Run: 1, Status: words[1], Time: now.UnixMilli()}})
		case "step":
			ev := &client.StepEvent{WorkflowID: "demo", StepID: words[1], Status: words[2], Attempt: 1, Time: now.UnixMilli()}
			if len(words) > 3 {
				ev.Attempt = int64(number(t, words[3]))
			}
			if len(words) > 4 {
				ev.Message = strings.Join(words[4:], " ")
			}
			v.event(client.Event{Step: ev})
		case "many":
			for i := number(t, words[1]); i <= number(t, words[2]); i++ {
				v.event(client.Event{Step: &client.StepEvent{StepID: fmt.Sprintf("s%d", i), Status: words[3], Attempt: 1, Time: now.UnixMilli()}})
			}
		case "warn":
			v.event(client.Event{Line: &client.LineEvent{StepID: strings.Trim(words[1], "-"), Level: "WARN", Message: strings.Join(words[2:], " "), Time: now.UnixMilli()}})
		case "lost":
			v.event(client.Event{Kind: client.Reconnecting, Lost: errors.New("the server closed the connection")})
		case "tick":
			v.tick()
		case "finish":
			v.finish()
		default:
			t.Fatalf("%q is no directive", line)
		}
		for _, l := range prefixed("> ", screen.String()) {
			out.WriteString(l + "\n")
		}
		screen.Reset()
	}
	return out.String()
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFollowStops checks that follow leaves nothing running, whatever ends it.
func TestFollowStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	interrupted := errors.New("interrupted")
	tests := map[string]struct {
		events []error // nil for an event
		end    bool    // the events end by themselves
		want   error
	}{
		"end":       {events: []error{nil, nil}, end: true},
		"error":     {events: []error{nil, broken}, want: broken},
		"interrupt": {events: []error{nil}, want: interrupted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			v := testProgram(&out, &out, "").newProgress(client.RunRef{Workflow: "demo", Instance: 1}, nil)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			left := false
			err := v.follow(ctx, func(ctx context.Context) iter.Seq2[client.Event, error] {
				return func(yield func(client.Event, error) bool) {
					defer func() { left = true }()
					for _, err := range test.events {
						if !yield(client.Event{}, err) || err != nil {
							return
						}
					}
					if !test.end {
						cancel(interrupted)
						<-ctx.Done()
					}
				}
			})
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if !left {
				t.Error("the events are still being read")
			}
		})
	}
}
