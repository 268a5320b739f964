package spec

import (
	"errors"
	"fmt"
	"math"
	"time"

	"maestro/internal/doc"
)

// RetryPolicy is how often, and after which wait, a failed step is tried again (§9.2), as the user wrote it: members
// may be absent and may refer to workflow params. Resolve makes a Retry of it.
type RetryPolicy struct {
	Limits  [3]ParsableLong // by RetryKind
	Backoff *Backoff        // nil when not given
}

// Backoff is the wait between retries as the user wrote it.
type Backoff struct {
	Type  BackoffType
	Waits [3]Wait // by RetryKind
}

// Wait is the part of a Backoff that is about one kind of failure. A fixed back-off has a Base only.
type Wait struct {
	Base, Exponent, Cap ParsableLong
}

// RetryKind is the kind of failure that a retry answers. Each kind is counted by itself.
type RetryKind uint8

// The kinds of retries.
const (
	ErrorRetry    RetryKind = iota // the user's job failed
	PlatformRetry                  // what should have run it failed
	TimeoutRetry                   // it ran out of time
)

var retryKinds = [...]string{ErrorRetry: "error", PlatformRetry: "platform", TimeoutRetry: "timeout"}

// String returns the word that field names begin with: error, platform, timeout.
func (k RetryKind) String() string { return retryKinds[k] }

// Retry is a RetryPolicy whose members all have values.
type Retry struct {
	Limits [3]int // by RetryKind
	Type   BackoffType
	Waits  [3]RetryWait // by RetryKind
}

// RetryWait is the wait before the retries of one kind.
type RetryWait struct {
	Base, Exponent, Cap int64 // seconds, number, seconds
}

// DefaultRetry is the policy of a step that has none, and of one whose policy cannot be resolved at run time.
func DefaultRetry() Retry { return defaultRetry(ExponentialBackoff) }

func defaultRetry(t BackoffType) Retry {
	r := Retry{Limits: [3]int{2, 10, 0}, Type: t}
	for k := range r.Waits {
		r.Waits[k].Base = 60
		if t == ExponentialBackoff {
			r.Waits[k].Exponent, r.Waits[k].Cap = 2, 3600
		}
	}
	if t == ExponentialBackoff {
		r.Waits[ErrorRetry].Cap = 600
	}
	return r
}

// Delay returns the wait before a retry of kind k when n retries of that kind were used up before it:
// min(⌊base · exponentⁿ⌋, cap), or just base when the back-off is fixed.
func (r *Retry) Delay(k RetryKind, n int) time.Duration {
	w := r.Waits[k]
	secs := w.Base
	if r.Type == ExponentialBackoff {
		grown := float64(w.Base) * math.Pow(float64(w.Exponent), float64(n))
		secs = w.Cap
		if grown < float64(w.Cap) {
			secs = int64(grown)
		}
	}
	return time.Duration(secs) * time.Second
}

// AppendBackoff appends the back-off as the `backoff` of a step's step_retry shows it, all members present.
func (r *Retry) AppendBackoff(dst []byte) []byte {
	b := Backoff{Type: r.Type}
	for k, w := range r.Waits {
		b.Waits[k].Base = Number(w.Base)
		if r.Type == ExponentialBackoff {
			b.Waits[k].Exponent, b.Waits[k].Cap = Number(w.Exponent), Number(w.Cap)
		}
	}
	return b.AppendJSON(dst)
}

// Resolve gives every member its value: absent ones their default, texts after interpolation. The error names every
// member that has no value in its range. A nil policy is the default one.
func (p *RetryPolicy) Resolve(in Interpolate) (Retry, error) {
	r, errs := p.resolve(in)
	return r, errors.Join(errs...)
}

func (p *RetryPolicy) resolve(in Interpolate) (Retry, []error) {
	if p == nil {
		return DefaultRetry(), nil
	}
	t := ExponentialBackoff
	if p.Backoff != nil {
		t = p.Backoff.Type
	}
	m := memberResolver{in: in}
	r := defaultRetry(t)
	for k := range r.Limits {
		kind := RetryKind(k)
		limit := int64(r.Limits[k])
		m.count(&limit, p.Limits[k], kind, "", "_retry_limit", 99)
		r.Limits[k] = int(limit)
		if p.Backoff == nil {
			continue
		}
		w := p.Backoff.Waits[k]
		m.seconds(&r.Waits[k].Base, w.Base, kind, "_retry_backoff_in_secs")
		m.count(&r.Waits[k].Exponent, w.Exponent, kind, "backoff.", "_retry_exponent", math.MaxInt32)
		m.seconds(&r.Waits[k].Cap, w.Cap, kind, "_retry_limit_in_secs")
	}
	return r, m.errs
}

// memberResolver gives the members of a policy their values, where they are given, and keeps what is wrong with them.
type memberResolver struct {
	in   Interpolate
	errs []error
}

// count resolves a plain number from 0 to most.
func (m *memberResolver) count(dst *int64, l ParsableLong, kind RetryKind, before, after string, most int64) {
	if !l.IsSet() {
		return
	}
	n, err := l.Count(m.in)
	if err != nil {
		m.errs = append(m.errs, fmt.Errorf("%s%s%s %w", before, kind, after, err))
		return
	}
	m.check(dst, n, l, kind, before, after, 0, most)
}

// seconds resolves a duration of 1 second to a day, cut to whole seconds.
func (m *memberResolver) seconds(dst *int64, l ParsableLong, kind RetryKind, after string) {
	if !l.IsSet() {
		return
	}
	d, err := l.Duration(m.in)
	if err != nil {
		m.errs = append(m.errs, fmt.Errorf("backoff.%s%s %w", kind, after, err))
		return
	}
	m.check(dst, int64(d/time.Second), l, kind, "backoff.", after, 1, 86400)
}

func (m *memberResolver) check(dst *int64, n int64, l ParsableLong, kind RetryKind, before, after string, least, most int64) {
	if n < least || n > most {
		m.errs = append(m.errs, fmt.Errorf("%s%s%s value [%s] is parsed to [%d] but cannot be less than [%d] or more than [%d]",
			before, kind, after, l.raw(), n, least, most))
		return
	}
	*dst = n
}

// ResolveOrDefault is Resolve for a run: a policy that cannot be resolved is replaced by the default one as a whole.
func (p *RetryPolicy) ResolveOrDefault(in Interpolate) Retry {
	r, err := p.Resolve(in)
	if err != nil {
		return DefaultRetry()
	}
	return r
}

// AppendJSON appends the back-off as it was written.
func (b *Backoff) AppendJSON(dst []byte) []byte { return backoffs.form(string(b.Type)).put(dst, b) }

// AppendJSON appends the policy as it was written.
func (p *RetryPolicy) AppendJSON(dst []byte) []byte { return retryObject.put(dst, p) }

var retryObject = &object[RetryPolicy]{
	name: "retryPolicy", about: "How often a failed step is tried again, and after which wait.",
	fields: []field[RetryPolicy]{
		parsableField("error_retry_limit", "Retries after the job failed, 0 to 99; default 2.", func(p *RetryPolicy) *ParsableLong { return &p.Limits[ErrorRetry] }),
		parsableField("platform_retry_limit", "Retries after the platform failed, 0 to 99; default 10.", func(p *RetryPolicy) *ParsableLong { return &p.Limits[PlatformRetry] }),
		parsableField("timeout_retry_limit", "Retries after a timeout, 0 to 99; default 0.", func(p *RetryPolicy) *ParsableLong { return &p.Limits[TimeoutRetry] }),
		{
			name: "backoff", about: "The wait before a retry.", shape: ref("backoff"),
			read: func(d *decoder, n *doc.Node, p *RetryPolicy) {
				if b := new(Backoff); backoffs.read(d, n, b) {
					p.Backoff = b
				}
			},
			put: func(dst []byte, name string, p *RetryPolicy) []byte {
				if p.Backoff == nil {
					return dst
				}
				return p.Backoff.AppendJSON(doc.AppendKey(dst, name))
			},
		},
	},
}

// backoffs are both kinds of back-off; a fixed one has neither exponents nor limits.
var backoffs = &variants[Backoff]{
	name: "backoff", about: "The wait before a retry.", types: backoffTypes,
	set: func(b *Backoff, typ string) { b.Type = BackoffType(typ) },
	forms: []*object[Backoff]{
		{
			name: "exponentialBackoff", about: "Waits base · exponent^n seconds before retry n, counted from 0, up to a limit.",
			fields: []field[Backoff]{
				baseField(ErrorRetry), exponentField(ErrorRetry), capField(ErrorRetry),
				baseField(PlatformRetry), exponentField(PlatformRetry), capField(PlatformRetry),
				baseField(TimeoutRetry), exponentField(TimeoutRetry), capField(TimeoutRetry),
				typeField[Backoff](string(ExponentialBackoff)),
			},
		},
		{
			name: "fixedBackoff", about: "Waits the same time before each retry.",
			fields: []field[Backoff]{
				baseField(ErrorRetry), baseField(PlatformRetry), baseField(TimeoutRetry), typeField[Backoff](string(FixedBackoff)),
			},
		},
	},
}

func baseField(k RetryKind) field[Backoff] {
	return parsableField(k.String()+"_retry_backoff_in_secs", "Base of the wait, 1 second to 24 hours; default 60.",
		func(b *Backoff) *ParsableLong { return &b.Waits[k].Base })
}

func exponentField(k RetryKind) field[Backoff] {
	return parsableField(k.String()+"_retry_exponent", "What the wait is multiplied by with each retry; default 2.",
		func(b *Backoff) *ParsableLong { return &b.Waits[k].Exponent })
}

func capField(k RetryKind) field[Backoff] {
	return parsableField(k.String()+"_retry_limit_in_secs", "Longest wait, 1 second to 24 hours.",
		func(b *Backoff) *ParsableLong { return &b.Waits[k].Cap })
}

// raw returns the value as it was written, without quotes.
func (l ParsableLong) raw() string {
	if l.form == asText {
		return l.text
	}
	return l.String()
}
