package instance_test

import (
	"bytes"
	"fmt"
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
)

// TestSnapshotProperties throws random events at random workflows and has a second run, made of the newest snapshot and the
// entries after it, do each of them as well: it is refused what the first is refused, and else records the same bytes.
func TestSnapshotProperties(t *testing.T) {
	t.Parallel()
	n := 400
	if testing.Short() {
		n = 50
	}
	for seed := range uint64(n) {
		p := newProperties(t, seed)
		p.live.Snapshots = instance.SnapshotRule{Entries: 1 + p.r.IntN(6)}
		var rest [][]byte // from the newest snapshot on, or all
		snapshots := false
		for i := range 80 {
			ev := instance.Event(instance.Start{At: p.now})
			if i > 0 {
				ev = p.event()
			}
			second := newRun(t, p.steps)
			for k, entry := range rest {
				take := second.Fold
				if k == 0 && snapshots {
					take = second.Begin
				}
				if err := take(entry); err != nil {
					t.Fatal(err)
				}
			}
			first, err := instancetest.Apply(p.live, ev)
			again, erragain := instancetest.Apply(second, ev)
			if fmt.Sprint(err) != fmt.Sprint(erragain) {
				t.Fatalf("seed %d, event %d, %#v: %v, the second run says %v", seed, i, ev, err, erragain)
			}
			if got, want := instance.AppendEntry(nil, again.Records), instance.AppendEntry(nil, first.Records); !bytes.Equal(got, want) {
				t.Fatalf("seed %d, event %d, %#v: recorded %v, the second run %v", seed, i, ev, first.Records, again.Records)
			}
			if len(first.Records) == 0 {
				continue
			}
			entry, snapshot := p.live.Append(nil, first.Records)
			if snapshot {
				rest, snapshots = rest[:0:0], true
			}
			rest = append(rest, entry)
		}
	}
}
