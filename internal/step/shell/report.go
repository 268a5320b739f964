//go:build linux || darwin

package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"maestro/internal/output"
	"maestro/internal/step"
)

const artifactKey = "maestro_shell"

// artifact is what a user sees of the process beside its log. Times are epoch milliseconds.
type artifact struct {
	Pid    int    `json:"pid,omitempty"`
	Host   string `json:"host"`
	Start  int64  `json:"start_time,omitempty"`
	End    int64  `json:"end_time,omitempty"`
	Exit   *int   `json:"exit_code,omitempty"`
	Signal string `json:"signal,omitempty"`
	Stdout string `json:"stdout_tail,omitempty"`
	Stderr string `json:"stderr_tail,omitempty"`
	Log    string `json:"log_path,omitempty"` // the directory with the files stdout.N and stderr.N
	Dir    string `json:"working_dir,omitempty"`
	Skip   bool   `json:"skipped,omitempty"`
}

// artifacts adds what is the same for every report of an attempt.
func (l *life) artifacts(a artifact) map[string][]byte {
	a.Host, a.Log = l.rt.cfg.Host, string(l.folder)
	if l.cmd != nil {
		if a.Dir = l.cmd.dir; a.Dir == "" {
			a.Dir = l.path(dirWork)
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil // it has nothing that cannot be written
	}
	return map[string][]byte{artifactKey: text}
}

func (l *life) beginning(p *process) []step.Line {
	message := fmt.Sprintf("Started process %d on host %s", p.Pid, l.rt.cfg.Host)
	if l.waited > time.Second {
		message += fmt.Sprintf(" after waiting %s for its turn", l.waited.Round(time.Second))
	}
	if l.a.Artifacts[artifactKey] != nil {
		message = fmt.Sprintf("Found process %d again on host %s", p.Pid, l.rt.cfg.Host)
	}
	return []step.Line{{Level: step.Info, Message: message}}
}

// outcome says what an ending means.
func (l *life) outcome(e *ending) step.Report {
	r := step.Report{Begun: e.Begun}
	switch {
	case e.Stopped:
		r.State = step.Stopped
		r.Timeline = info(stopLine(e))
	case e.Lost != "":
		r.State = step.PlatformError
		r.Timeline = failure(r.State, "the process was lost: "+e.Lost)
	case e.Failed != "":
		r.State = step.FatalError
		if e.Transient {
			r.State = step.PlatformError
		}
		r.Timeline = failure(r.State, "the process could not be started: "+e.Failed)
		return r
	case e.TimedOut:
		r.State = step.TimedOut
		r.Timeline = failure(r.State, "the process ran beyond the timeout of the step and was stopped after "+ran(e))
	}
	if !e.Begun {
		return r
	}
	a := artifact{Pid: e.Pid, Start: e.Started, End: e.Ended, Stdout: e.Stdout, Stderr: e.Stderr}
	switch {
	case e.Signal != 0:
		a.Signal = signalName(e.Signal)
	case e.Lost == "":
		a.Exit = &e.Exit
	}
	if r.Timeline == nil && l.cmd != nil {
		l.judge(&r, e, &a)
	}
	if e.Remains {
		r.Timeline = append(r.Timeline, step.Line{Level: step.Warn, Message: "Killed processes that were left behind in the background"})
	}
	if e.LogError != "" {
		r.Timeline = append(r.Timeline, step.Line{Level: step.Warn, Message: "The log is not complete: " + e.LogError})
	}
	r.Artifacts = l.artifacts(a)
	return r
}

// judge decides about a process that ended by itself.
func (l *life) judge(r *step.Report, e *ending, a *artifact) {
	var why string
	if e.Signal != 0 {
		r.State = step.UserError
		why = fmt.Sprintf("the process was killed by %s after %s%s", a.Signal, ran(e), hint(e.Signal))
	} else {
		r.State, a.Skip = l.cmd.verdict(int64(e.Exit))
		why = fmt.Sprintf("the process ended with exit code %d after %s", e.Exit, ran(e))
		if e.Exit > 128 && e.Exit < 160 {
			why += fmt.Sprintf(", which usually means %s%s", signalName(e.Exit-128), hint(e.Exit-128))
		}
	}
	out, ignored, err := l.output(e)
	r.Output = (*step.Output)(out)
	switch {
	case r.State != step.Done:
		said := lastLines(e.Stderr, 5)
		if said == nil { // some say everything there
			said = lastLines(e.Stdout, 5)
		}
		r.Timeline = failure(r.State, append([]string{why}, said...)...)
		if err != nil {
			r.Timeline = append(r.Timeline, step.Line{Level: step.Warn, Message: "Its output data is ignored: " + err.Error()})
		}
	case err != nil:
		r.State = step.UserError
		r.Timeline = failure(r.State, "the process ended well, but its output data is not valid: "+err.Error())
	case a.Skip:
		r.Timeline = info(fmt.Sprintf("Skipped its work, as exit code %d says, after %s", e.Exit, ran(e)))
	default:
		r.Timeline = info(fmt.Sprintf("Process ended with exit code %d after %s", e.Exit, ran(e)))
	}
	if ignored != "" {
		r.Timeline = append(r.Timeline, step.Line{Level: step.Warn, Message: "Ignored in the output data: " + ignored})
	}
}

func stopLine(e *ending) string {
	switch {
	case !e.Begun:
		return "Stopped before the process began"
	case e.Lost != "":
		return "Stopped; the process had been lost: " + e.Lost
	case e.Signal != 0:
		return fmt.Sprintf("Stopped the process with %s after %s", signalName(e.Signal), ran(e))
	}
	return fmt.Sprintf("Stopped the process, which ended with exit code %d after %s", e.Exit, ran(e))
}

func info(message string) []step.Line { return []step.Line{{Level: step.Info, Message: message}} }

// failure is the line of an attempt that failed; the first detail is the cause.
func failure(state step.State, details ...string) []step.Line {
	message := "Step failed: " + details[0]
	return []step.Line{{Level: step.Err, Message: message, Errors: details, Code: state.String()}}
}

func ran(e *ending) string {
	d := time.Duration(max(0, e.Ended-e.Started)) * time.Millisecond
	if d > time.Minute {
		d = d.Round(time.Second)
	}
	return d.String()
}

func hint(signal int) string {
	if signalName(signal) == "SIGKILL" {
		return ", perhaps for want of memory"
	}
	return ""
}

// lastLines returns the last n lines of a text, each at a readable length.
func lastLines(text string, n int) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		if len(line) > 500 {
			lines[i] = strings.ToValidUTF8(line[:500], "") + "…"
		}
	}
	return lines
}

// output reads what the process reported: between tokens in its output, and in its output file. It returns what can be
// read even if something cannot.
func (l *life) output(e *ending) (out *output.Data, ignored string, err error) {
	r := output.Reader{Declared: l.a.Params, Time: e.Ended, Lines: true}
	var failed error
	if err := r.Section(output.Section{Text: e.Marked, TooLong: e.TooMarked, Open: e.Unended}); err != nil {
		failed = fmt.Errorf("between the output tokens: %w", err)
	}
	text, err := l.outputFile()
	if err == nil {
		err = r.File(text)
	}
	if err != nil {
		failed = errors.Join(failed, fmt.Errorf("in the output file: %w", err))
	}
	out, err = r.Data()
	return out, r.Ignored(), errors.Join(failed, err)
}

// outputFile returns the content of MAESTRO_OUTPUT_FILE. The process may have put anything there: only a file is read.
func (l *life) outputFile() ([]byte, error) {
	file, err := os.OpenFile(l.path(fileOutput), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	return io.ReadAll(io.LimitReader(file, output.MaxText+1))
}
