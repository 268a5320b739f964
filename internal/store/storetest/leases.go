package storetest

import (
	"testing"

	"maestro/internal/store"
)

// Leases tests who may write. The fixture's node holds the first groups until noon and a minute.
func Leases(t *testing.T, open func(t *testing.T) store.Store) {
	const minute = int64(60_000)
	run(t, open, []promise{
		{"FirstClaimGetsEveryGroup", func(t *testing.T, f *fixture) {
			leases, err := f.Claim(t.Context(), node, groups, noon, minute)
			noErr(t, err)
			wantEqual(t, len(leases), groups)
			for i, l := range leases {
				wantEqual(t, l.Group, int32(i))
				wantEqual(t, l.Epoch > 0, true)
			}
		}},
		{"ClaimingAgainKeepsTheEpoch", func(t *testing.T, f *fixture) {
			leases, err := f.Claim(t.Context(), node, groups+1, noon+1, minute)
			noErr(t, err)
			wantEqual(t, len(leases), groups+1)
			for _, l := range leases[:groups] {
				wantEqual(t, l.Epoch, f.epochs[l.Group])
			}
		}},
		{"HeldGroupsAreNotGranted", func(t *testing.T, f *fixture) {
			leases, err := f.Claim(t.Context(), "node-b", groups+2, noon+1, minute)
			noErr(t, err)
			wantEqual(t, len(leases), 2)
			wantEqual(t, leases[0].Group, int32(groups))
		}},
		{"ReleasedGroupsAreGrantedWithHigherEpoch", func(t *testing.T, f *fixture) {
			noErr(t, f.Release(t.Context(), node))
			leases, err := f.Claim(t.Context(), "node-b", groups, noon+1, minute)
			noErr(t, err)
			wantEqual(t, len(leases), groups)
			for _, l := range leases {
				wantEqual(t, l.Epoch > f.epochs[l.Group], true)
			}
		}},
		{"ExpiredGroupsAreGrantedWithHigherEpoch", func(t *testing.T, f *fixture) {
			leases, err := f.Claim(t.Context(), "node-b", groups, noon+2*minute, minute)
			noErr(t, err)
			wantEqual(t, len(leases), groups)
			for _, l := range leases {
				wantEqual(t, l.Epoch > f.epochs[l.Group], true)
			}
		}},
		{"RenewedGroupsAreKept", func(t *testing.T, f *fixture) {
			held, err := f.Renew(t.Context(), node, noon+minute/2, minute)
			noErr(t, err)
			wantEqual(t, len(held), groups)
			leases, err := f.Claim(t.Context(), "node-b", groups, noon+minute+1, minute)
			noErr(t, err)
			wantEqual(t, len(leases), 0)
		}},
		{"RenewReturnsOnlyWhatIsStillHeld", func(t *testing.T, f *fixture) {
			_, err := f.Claim(t.Context(), "node-b", groups, noon+2*minute, minute)
			noErr(t, err)
			more, err := f.Claim(t.Context(), node, groups+2, noon+2*minute+1, minute)
			noErr(t, err)
			held, err := f.Renew(t.Context(), node, noon+2*minute+2, minute)
			noErr(t, err)
			wantEqual(t, held, more)
			wantEqual(t, len(held), 2)
			wantEqual(t, held[0].Group, int32(groups))
		}},
		{"GroupsThatAreNotAskedForAnyMoreAreGranted", func(t *testing.T, f *fixture) {
			r := aRun(1)
			r.Group = groups - 1
			f.create(r)
			noErr(t, f.Release(t.Context(), node))
			leases, err := f.Claim(t.Context(), "node-b", 1, noon+1, minute)
			noErr(t, err)
			wantEqual(t, len(leases), groups)
			for i, l := range leases {
				wantEqual(t, l.Group, int32(i))
				wantEqual(t, l.Epoch, f.epochs[l.Group]+1)
			}
			ch := f.entry(r, 2, "new owner")
			ch.Epoch = leases[r.Group].Epoch
			f.wantErrs([]store.Change{ch}, nil)
		}},
		{"OldOwnerIsRefusedAfterHandover", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			leases, err := f.Claim(t.Context(), "node-b", groups, noon+2*minute, minute)
			noErr(t, err)
			owner := f.entry(r, 2, "new owner")
			owner.Epoch = leases[r.Group].Epoch
			f.wantErrs([]store.Change{f.entry(r, 2, "old owner"), owner}, store.ErrStale, nil)
			f.wantEntries(r.ID, "created", "new owner")
		}},
		{"ReleaseOfNothing", func(t *testing.T, f *fixture) {
			noErr(t, f.Release(t.Context(), "nobody"))
			held, err := f.Renew(t.Context(), "nobody", noon, minute)
			noErr(t, err)
			wantEqual(t, len(held), 0)
		}},
	})
}
