package board

import (
	"slices"
	"time"

	"maestro/internal/signal"
)

// Await lets a waiter be woken by the first instance that satisfies the dependency: the newest there is, or else the
// first that comes. It does not wait for that. A waiter that is registered already stays so.
func (b *Board) Await(w Waiter, d *signal.Dependency) {
	if b.Waits(w) {
		return
	}
	if err := b.await(w, d); err != nil {
		b.retry(w, d, err)
	}
}

// await registers the waiter and then looks for what was announced before.
func (b *Board) await(w Waiter, d *signal.Dependency) error {
	t, err := b.locked(b.ctx, d.Name)
	if err != nil {
		return err
	}
	if !b.Waits(w) {
		h := t.waiters.Add(d.Match, w)
		key := stepKey{w.Run, w.Step}
		b.waitMu.Lock()
		b.waiters[key] = append(b.waiters[key], registration{w, t, h})
		b.waitMu.Unlock()
	}
	last := t.last
	t.mu.Unlock()
	switch {
	case last == 0:
		return nil
	case last <= lookUpAtOnce:
		return b.lookUp(w, d, last)
	}
	b.later(func() {
		select {
		case b.looking <- struct{}{}:
			defer func() { <-b.looking }()
		case <-b.ctx.Done():
			return
		}
		if err := b.lookUp(w, d, last); err != nil {
			b.retry(w, d, err)
		}
	})
	return nil
}

// lookUpAtOnce is how many instances a name may have so that looking for one does not keep the caller.
const lookUpAtOnce = 2048

// lookUp wakes the waiter by the newest instance that satisfies the dependency, if there is one.
func (b *Board) lookUp(w Waiter, d *signal.Dependency, last int64) error {
	i, err := newest(b.ctx, b.cfg.Reader, d.Name, last, d.Match)
	if i != nil && b.claim(w) {
		b.cfg.Wake(w, i)
	}
	return err
}

// retry is Await for a store in trouble.
func (b *Board) retry(w Waiter, d *signal.Dependency, err error) {
	b.cfg.Log.Warn("signal cannot be read, trying again", "signal", d.Name, "error", err)
	b.later(func() {
		for delay := 50 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
			select {
			case <-time.After(delay):
			case <-b.ctx.Done():
				return
			}
			if b.await(w, d) == nil {
				return
			}
		}
	})
}

// Waits reports whether a waiter is registered.
func (b *Board) Waits(w Waiter) bool {
	b.waitMu.Lock()
	defer b.waitMu.Unlock()
	return slices.ContainsFunc(b.waiters[stepKey{w.Run, w.Step}], func(r registration) bool { return r.waiter == w })
}

// claim takes a registration out. It reports false when somebody else has done so.
func (b *Board) claim(w Waiter) bool {
	key := stepKey{w.Run, w.Step}
	b.waitMu.Lock()
	list := b.waiters[key]
	i := slices.IndexFunc(list, func(r registration) bool { return r.waiter == w })
	if i < 0 {
		b.waitMu.Unlock()
		return false
	}
	r := list[i]
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(b.waiters, key)
	} else {
		b.waiters[key] = list
	}
	b.waitMu.Unlock()
	r.topic.mu.Lock()
	r.topic.waiters.Remove(r.handle)
	r.topic.mu.Unlock()
	return true
}

// Forget takes out everything that a step waits for.
func (b *Board) Forget(w Waiter) {
	key := stepKey{w.Run, w.Step}
	b.waitMu.Lock()
	list := b.waiters[key]
	delete(b.waiters, key)
	b.waitMu.Unlock()
	for _, r := range list {
		r.topic.mu.Lock()
		r.topic.waiters.Remove(r.handle)
		r.topic.mu.Unlock()
	}
}

// Waiting returns how many dependencies wait.
func (b *Board) Waiting() (n int) {
	b.waitMu.Lock()
	defer b.waitMu.Unlock()
	for _, list := range b.waiters {
		n += len(list)
	}
	return n
}
