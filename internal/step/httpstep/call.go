package httpstep

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"sync"
	"time"

	"maestro/internal/output"
	"maestro/internal/step"
)

// state is where a call is.
type state uint8

const (
	queued  state = iota // waits for its turn
	flying               // a worker has it
	polling              // waits until its request is to be sent again
	over                 // nobody has it any more
)

// call is an attempt that is under way. This is all that a waiting attempt costs.
type call struct {
	ctx context.Context // of Start: when it ends, the call is let go
	id  string          // of the attempt

	// Guarded by Runtime.mu.
	a      *step.Attempt
	state  state
	place  int // in the heap of what is due, or -1
	due    time.Time
	sent   int64
	cancel context.CancelFunc // of the request under way
	stops  []step.Reporter    // who wants it stopped, while a request is under way
	grace  *time.Timer        // until the request under way is cancelled

	// say puts reports in order. It is taken without Runtime.mu, and held while a reporter is called.
	say    sync.Mutex
	starts []step.Reporter
	ended  bool
	told   bool      // that it runs
	waits  bool      // told that it waits to be sent for the first time
	shown  uint64    // hash of the artifact that was told last
	status int64     // and its status code
	when   time.Time // and the time
}

const maxListeners = 8 // older ones are dropped: an engine that calls Start again does not listen twice

// join adds a reporter to a call. It reports false if the call has ended.
func (c *call) join(rt *Runtime, r step.Reporter) bool {
	c.say.Lock()
	defer c.say.Unlock()
	if c.ended {
		return false
	}
	if len(c.starts) == maxListeners {
		c.starts = append(c.starts[:0:0], c.starts[1:]...)
	}
	c.starts = append(c.starts, r)
	switch {
	case c.told:
		rt.report(nil, r, step.Report{State: step.Continue})
	case c.waits:
		rt.report(nil, r, step.Report{State: step.Continue, Waits: rt.place()})
	}
	return true
}

// announce tells that a call is sent, after it did not end at once, or that it waits to be sent for the first time.
func (c *call) announce(rt *Runtime, a *step.Attempt, waits bool) {
	rep := step.Report{State: step.Continue}
	if waits {
		rep.Waits = rt.place()
		rep.Timeline = info("Waiting for its turn: it waits for " + rep.Waits)
	} else if q, err := decode(a.Params); err == nil {
		rep.Timeline = info("Making the HTTP request: " + q.about())
	}
	if a.Again {
		rep.Timeline = append(info("Sending the request, perhaps for the second time: the server was restarted meanwhile"), rep.Timeline...)
	}
	c.say.Lock()
	defer c.say.Unlock()
	if c.ended || c.told || waits && c.waits {
		return
	}
	c.told, c.waits = !waits, waits
	c.tellLocked(rt, a, rep)
}

// place names what calls wait for.
func (rt *Runtime) place() string {
	return fmt.Sprintf("one of %d places of HTTP requests (http.max_in_flight)", rt.cfg.MaxInFlight)
}

// proceed tells of an answer after which the request is to be sent again. Not every one is worth to be kept: only what
// has changed is told, and of what is large not all.
func (c *call) proceed(rt *Runtime, a *step.Attempt, o outcome) {
	artifact := o.report.Artifacts[artifactKey]
	code, now := o.status, time.Now()
	sum := maphash.Bytes(seed, artifact)
	c.say.Lock()
	defer c.say.Unlock()
	if c.ended {
		return
	}
	out := step.Report{State: step.Continue}
	if c.status != code {
		out.Timeline = o.report.Timeline
		out.Timeline[0].Message += fmt.Sprintf(", so it is sent again every %s", rt.cfg.Poll)
	}
	if c.shown != sum && (len(artifact) <= smallBody || c.status != code || now.Sub(c.when) >= rarely) {
		out.Artifacts = o.report.Artifacts
		c.shown, c.when = sum, now
	}
	if c.told && out.Timeline == nil && out.Artifacts == nil {
		return
	}
	c.told, c.waits, c.status = true, false, code
	c.tellLocked(rt, a, out)
}

var seed = maphash.MakeSeed()

// end tells everybody who started the call how it ended. Whoever took the call out of the schedule calls it, once.
func (c *call) end(rt *Runtime, a *step.Attempt, rep step.Report) {
	c.say.Lock()
	defer c.say.Unlock()
	c.ended = true
	c.tellLocked(rt, a, rep)
}

func (c *call) tellLocked(rt *Runtime, a *step.Attempt, rep step.Report) {
	for _, r := range c.starts {
		rt.report(a, r, rep)
	}
}

// report passes a report on. A bug of the reporter is not the end of the process.
func (rt *Runtime) report(a *step.Attempt, r step.Reporter, rep step.Report) {
	defer func() {
		if p := recover(); p != nil {
			uuid := ""
			if a != nil {
				uuid = a.UUID
			}
			rt.cfg.Log.Error("report of an http step panicked", "attempt", uuid, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	r.Report(rep)
}

// endings returns what is told when a stop has come while a request was under way: to those who started it what came of
// it, if there was an answer all the same, and to those who stopped it that it is over.
func endings(o outcome) (started, stopped step.Report) {
	stopped = step.Report{State: step.Stopped, Begun: true, Timeline: info("Cancelled the HTTP request")}
	if o.status == 0 {
		return stopped, stopped
	}
	stopped.Artifacts, stopped.Timeline = o.report.Artifacts, o.report.Timeline
	if !o.report.State.Final() {
		return stopped, stopped
	}
	return o.report, stopped
}

// stoppedLine tells of a stop between requests.
func (c *call) stoppedLine() string {
	if c.sent == 0 {
		return "Stopped before the HTTP request was made"
	}
	return fmt.Sprintf("Stopped after %d HTTP requests", c.sent)
}

// prepare makes the request of an attempt ready to be sent. Without a flight, the outcome says why it cannot be.
func (rt *Runtime) prepare(ctx context.Context, a *step.Attempt) (f *flight, o outcome) {
	defer func() {
		if p := recover(); p != nil {
			f, o = nil, rt.broken(a, p)
		}
	}()
	q, err := decode(a.Params)
	if err != nil {
		return nil, unable(fatal(err.Error()))
	}
	if err := rt.allowed.url(q.url); err != nil {
		return nil, unable(fatal(err.Error()))
	}
	f = &flight{a: a, follow: q.follow, begun: time.Now()}
	if f.req, err = q.build(httptrace.WithClientTrace(ctx, f.p.trace()), a.UUID); err != nil {
		return nil, unable(rt.explain(ctx, err, q, &f.p))
	}
	return f, outcome{}
}

// finish sends a request and says what its outcome means.
func (rt *Runtime) finish(f *flight) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = rt.broken(f.a, p)
		}
	}()
	resp, err := rt.send(f) //nolint:bodyclose // conclude has it read, and closed
	return rt.conclude(f, resp, err)
}

// conclude reads and judges the answer to a request. What the step wants is read from its params once more, so that
// waiting for the answer does not hold it.
func (rt *Runtime) conclude(f *flight, resp *http.Response, err error) outcome {
	q, wrong := decode(f.a.Params)
	if wrong != nil {
		return unable(fatal(wrong.Error()))
	}
	ans, err := rt.read(f, resp, err)
	if err != nil {
		return unable(rt.explain(f.req.Context(), err, q, &f.p))
	}
	return rt.judge(f.a, q, ans)
}

// broken is the outcome of a bug, which ends one attempt only.
func (rt *Runtime) broken(a *step.Attempt, p any) outcome {
	rt.cfg.Log.Error("http step panicked", "attempt", a.UUID, "panic", p, "stack", string(debug.Stack()))
	return unable(&failure{step.PlatformError, []string{fmt.Sprintf("the server failed to make the request: %v", p)}})
}

// judge lets the state expression decide about an answer.
func (rt *Runtime) judge(a *step.Attempt, q *request, ans *answer) outcome {
	if n := outputChars(ans.body); n > output.Limit {
		return unable(fatal(fmt.Sprintf("%s: the answer makes %d characters of output data, more than %d", q.about(), n, output.Limit)))
	}
	expr, err := stateExpr(a.Params)
	if err != nil {
		return unable(fatal(err.Error()))
	}
	word, err := rt.cfg.Evaluate(a, expr, ans.status, ans.body)
	if err != nil {
		return unable(&failure{step.FatalError, causes(err)})
	}
	st, ok := stateOf(word)
	if !ok {
		return unable(fatal(fmt.Sprintf("param [state_expr] gave [%s] for status code %d, which is none of %s", clip(word), ans.status, stateNames)))
	}
	rep := step.Report{State: st, Begun: true, Artifacts: map[string][]byte{artifactKey: artifact(q, ans, st)}}
	rep.Timeline = info(fmt.Sprintf("%s answered %d in %s; state_expr makes it %s", q.about(), ans.status, shortly(ans.took), st))
	if ans.kept != "" {
		rep.Timeline = append(rep.Timeline, step.Line{Level: step.Warn, Message: fmt.Sprintf(
			"The body of the answer is encoded as %s, which is not decoded: it is kept as it came", ans.kept)})
	}
	if st == step.Done {
		rep.Output = results(ans)
	}
	return outcome{rep, ans.status}
}
