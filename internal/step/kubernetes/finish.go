package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"maestro/internal/kube"
	"maestro/internal/output"
	"maestro/internal/step"
)

// finish reads what a pod that has ended wrote, and reports how it ended.
func (cl *cluster) finish(j *job, s *state) time.Duration {
	c, artifacts, err := cl.locate(j)
	if err != nil { // it was readable when the pod was made
		return cl.refuse(j, step.PlatformError, "The step's runtime broke down", err)
	}
	r := step.Report{State: s.verdict, Begun: true}
	text := noLog
	var lg *reading
	if !s.silent {
		lg, err = cl.readLog(j, s)
	}
	switch {
	case s.silent:
	case cl.ctx.Err() != nil:
		return idle
	case err != nil && !unreadable(err):
		if wait, enough := j.fails(err, logTries); !enough {
			return wait
		}
		fallthrough
	case err != nil:
		r.Timeline = append(r.Timeline, warn("The log of the pod cannot be read; output data, if there was any, is lost: "+oneLine(err.Error())))
	default:
		text = lg.tail.String()
		reported := output.Reader{Declared: j.a.Params, Time: ended(s).UnixMilli()}
		err := reported.Section(lg.marks.Section())
		var out *output.Data
		if err == nil {
			out, err = reported.Data()
		}
		if err != nil {
			return cl.malformed(j, about(j, c, artifacts, nil), s, err)
		}
		r.Output = (*step.Output)(out)
		if ignored := reported.Ignored(); ignored != "" {
			r.Timeline = append(r.Timeline, warn("Ignored in the output data: "+ignored))
		}
		if lg.cut {
			r.Timeline = append(r.Timeline, warn(fmt.Sprintf("The log has more than %d MiB; only its end was searched for output data", cl.cfg.MaxLogBytes>>20)))
		}
	}
	r.Artifacts = about(j, c, artifacts, &text)
	switch {
	case s.silent:
		r.Timeline = append(r.Timeline, details("The pod did not begin", cl.evidence(j, s).list()...)...)
	case r.State == step.PlatformError || r.State == step.TimedOut:
		r.Timeline = append(r.Timeline, details("The pod did not end by itself", told(j, s))...)
	case s.starved:
		r.Timeline = append(r.Timeline, details("The pod ran out of memory", told(j, s))...)
	default:
		r.Timeline = append(r.Timeline, info(told(j, s))...)
	}
	return cl.settleOver(j, s, r)
}

// settleOver reports how a pod ended. What runs on in it is ended, but only when the engine has had time to keep the
// report: until then the pod is the only one who knows.
func (cl *cluster) settleOver(j *job, s *state, r step.Report) time.Duration {
	if s.lingers {
		j.discardAt = time.Now().Add(cl.cfg.linger)
	}
	cl.settle(j, r, s.lingers)
	return 0
}

// malformed reports output data that cannot be read: the job may have ended well, but not in the way it should have.
func (cl *cluster) malformed(j *job, artifacts map[string][]byte, s *state, err error) time.Duration {
	state := step.UserError
	if v := s.verdict; v == step.PlatformError || v == step.TimedOut {
		state = v // it was cut off, and perhaps in the middle of that
	}
	message := "Error processing the output data in " + j.kind.Runtime
	causes := []string{"between the output tokens: " + err.Error()}
	if s.verdict != step.Done {
		causes = append(causes, told(j, s))
	}
	return cl.settleOver(j, s, step.Report{State: state, Begun: true, Artifacts: artifacts, Timeline: details(message, causes...)})
}

// ended returns when a pod ended: at the latest now.
func ended(s *state) time.Time {
	if s.finished.IsZero() {
		return time.Now()
	}
	return s.finished
}

func oneLine(s string) string { return clause(s) }

// reading is what was found in a log.
type reading struct {
	tail  tail
	marks output.Marks
	cut   bool // not all of it was read
}

const noLog = "n/a" // what the artifact says of a log that could not be read

// logLost is why a log cannot be read, now or later.
type logLost string

func (l logLost) Error() string { return string(l) }

// unreadable reports whether a log that could not be read cannot be read later, either.
func unreadable(err error) bool {
	_, lost := errors.AsType[logLost](err)
	return lost || !kube.Temporary(err)
}

// apologies are how the text begins that nodes answer with, as if it were the log, when they cannot find it.
var apologies = [...]string{
	"unable to retrieve container logs for ", "failed to try resolving symlinks in path ", "failed to get container status ",
}

const maxApology = 2 << 10

// apology returns an error if a log is not one, but says that there is none.
func apology(log []byte) error {
	text := strings.TrimSpace(string(log[:min(len(log), maxApology)]))
	if strings.Contains(text, "\n") || len(log) > maxApology {
		return nil
	}
	for _, a := range apologies {
		if strings.HasPrefix(text, a) {
			return logLost(text)
		}
	}
	return nil
}

var errQuiet = errors.New("the log stopped in the middle")

const logStall = time.Minute // without a byte

// readLog reads the log of a pod that has ended: all of it, for what stands between the last output tokens, or, if it is
// too long for that, its end. It holds no more of it than what is asked for.
func (cl *cluster) readLog(j *job, s *state) (*reading, error) {
	switch {
	case s.gone:
		return nil, logLost("there is no such pod any more")
	case s.cut:
		return nil, logLost("its node does not answer")
	}
	r, err := cl.readPart(j, kube.LogOptions{Container: containerName, Previous: s.again})
	if err == nil && r.cut {
		if r, err = cl.readPart(j, kube.LogOptions{Container: containerName, Previous: s.again, TailLines: 1000}); err == nil {
			r.cut = true
		}
	}
	if err == nil {
		err = apology(r.tail.kept)
	}
	return r, err
}

func (cl *cluster) readPart(j *job, o kube.LogOptions) (*reading, error) {
	ctx, cancel := context.WithCancelCause(cl.ctx)
	defer cancel(nil)
	stall := time.AfterFunc(logStall, func() { cancel(errQuiet) })
	defer stall.Stop()
	body, err := cl.api.PodLog(ctx, j.ns, j.name, o)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	r := &reading{tail: tail{max: tailBytes, lines: tailLines}}
	buf := make([]byte, 32<<10)
	for left := cl.cfg.MaxLogBytes; left > 0; {
		n, err := body.Read(buf[:min(int64(len(buf)), left)])
		_, _ = r.tail.Write(buf[:n])
		_, _ = r.marks.Write(buf[:n])
		left -= int64(n)
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			if errors.Is(context.Cause(ctx), errQuiet) {
				err = errQuiet
			}
			return nil, fmt.Errorf("read the log of pod %s: %w", j.name, err)
		}
		stall.Reset(logStall)
	}
	r.cut = true
	return r, nil
}

// tail keeps the last lines of a stream, within a number of bytes.
type tail struct {
	max, lines int

	kept []byte
	cut  bool // there was more
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > t.max {
		p, t.cut = p[len(p)-t.max:], true
		t.kept = t.kept[:0]
	}
	if over := len(t.kept) + len(p) - t.max; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	t.kept = append(t.kept, p...)
	return n, nil
}

// String returns the tail as text that any database takes: UTF-8 without NUL, no half character at its start.
func (t *tail) String() string {
	b := t.kept
	at := len(b)
	for n := 0; n < t.lines && at > 0; n++ { // the end of a line belongs to it
		at--
		for at > 0 && b[at-1] != '\n' {
			at--
		}
	}
	b = b[at:]
	if t.cut && at == 0 {
		for n := 0; n < 3 && len(b) > 0 && b[0]&0xc0 == 0x80; n++ {
			b = b[1:]
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
}
