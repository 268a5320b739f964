package meter_test

import (
	"errors"
	"strings"
	"testing"

	"maestro/internal/meter"
)

func TestLimitsAreExclusive(t *testing.T) {
	t.Parallel()
	m := meter.New(meter.Limits{Work: 10, Memory: 20})
	if m.Work(9) != nil || m.Memory(19) != nil {
		t.Fatal("what is below the limits is refused")
	}
	err := m.Work(1)
	if x, ok := errors.AsType[*meter.Exceeded](err); !ok || x.What != meter.Work || x.Limit != 10 {
		t.Fatalf("got %v", err)
	}
	if m.Memory(0) == nil || m.Err() == nil {
		t.Error("after a refusal something is granted")
	}
	if work, memory := m.Spent(); work != 10 || memory != 19 {
		t.Errorf("got %d and %d", work, memory)
	}
	m = meter.New(meter.Limits{Work: 10, Memory: 20})
	if x, ok := errors.AsType[*meter.Exceeded](m.Memory(20)); !ok || x.What != meter.Memory {
		t.Errorf("got %v", m.Err())
	}
}

// TestUntil asks only now and then, and counts the same with and without somebody to ask.
func TestUntil(t *testing.T) {
	t.Parallel()
	asked := 0
	m := meter.New(meter.Limits{}).Until(func() bool { asked++; return false })
	m.Until(func() bool { asked++; return false }) // a second session of the same evaluation
	n := 0
	for m.Work(1000) == nil {
		n++
	}
	if n != (meter.DefaultWork-1)/1000 {
		t.Errorf("%d thousand steps are granted", n)
	}
	if asked < 50 || asked > 200 {
		t.Errorf("asked %d times", asked)
	}
	m = meter.New(meter.Limits{}).Until(func() bool { return true })
	var err error
	for n = 0; err == nil; n++ {
		err = m.Work(1000)
	}
	if x, ok := errors.AsType[*meter.Exceeded](err); !ok || x.What != meter.Stopped || n > 3000 {
		t.Errorf("got %v after %d thousand steps", err, n)
	}
	if m.Work(0) == nil {
		t.Error("goes on after it was stopped")
	}
}

// TestText charges for buffers and copies nothing at the end.
func TestText(t *testing.T) {
	t.Parallel()
	m := meter.New(meter.Limits{})
	out := meter.Text{Meter: m}
	for range 1000 {
		out.String("0123456789")
	}
	out.Byte('x')
	out.Fill('-', 3)
	out.Append(8, func(b []byte) []byte { return append(b, "end"...) })
	if s := out.Done(); s != strings.Repeat("0123456789", 1000)+"x---end" || out.Err() != nil {
		t.Errorf("got %q, %v", s, out.Err())
	}
	if _, memory := m.Spent(); memory < 20_000 || memory > 80_000 {
		t.Errorf("%d bytes are charged for 10,000", memory)
	}
	small := meter.Text{Meter: meter.New(meter.Limits{Memory: 1000})}
	small.Fill('x', 1<<30) // refused before it is made
	small.String("y")
	if small.Err() == nil || small.Len() != 0 {
		t.Errorf("got %v, %d bytes", small.Err(), small.Len())
	}
}
