package engine

import "time"

// A run whose steps are all at work outside has nothing to do until one of them reports, which may take hours. Its actor
// stays in memory for a while, so that a report need not load it, but it rests: it gives back its goroutine, its buffers
// and the params, which are made again in a few microseconds when something happens.

// restAfter is how long nothing must have happened. It is longer than a chain of quick steps takes from one to the next.
const restAfter = 200 * time.Millisecond

// rest lets go of all that the actor does not need while nothing happens, unless an event has come in. The caller is the
// actor's goroutine and ends. wait is how long until something is due.
func (a *actor) rest(wait time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.inbox) > 0 || a.open.any() || len(a.callers) > 0 {
		return false
	}
	a.run.Shed()
	a.records, a.effects, a.buffer, a.taken, a.inbox = nil, nil, nil, nil, nil
	a.resting = true
	if a.alarm == nil {
		a.alarm = time.AfterFunc(wait, a.rouse)
	} else {
		a.alarm.Reset(wait)
	}
	return true
}

// rouseLocked ends the rest. It reports false if there is none, or if the engine is stopping: then nobody needs to look
// after the run any more. The caller sees to it that loop runs.
func (a *actor) rouseLocked() bool {
	if !a.resting || a.gone || !a.e.enter() {
		return false
	}
	a.resting = false
	a.alarm.Stop()
	return true
}

// rouse is what the alarm does.
func (a *actor) rouse() {
	a.mu.Lock()
	up := a.rouseLocked()
	a.mu.Unlock()
	if up {
		a.loop()
	}
}

// recollect makes again what rest has given away.
func (a *actor) recollect() error {
	if a.run.Params != nil || !a.run.Header.HasParams {
		return nil
	}
	var err error
	a.run.Params, err = a.e.paramsOf(a.run)
	return err
}
