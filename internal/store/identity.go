package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// ID tells one store from every other. What runs have outside (pods, directories, keys of requests) is named with it, so
// that two installations on one cluster or one data directory never meet. A copy of a store has the identity of the
// original: only one of the two may go on.
type ID [16]byte

// String returns the identity as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// The record that holds the identity.
const (
	identityKind = "store"
	identityKey  = "identity"
)

// Origin is where the runs of a store come from.
type Origin struct {
	ID    ID
	Since RunID // runs up to this one are from before the store had an identity, and may have work outside without it
}

// Identity returns the origin of a store's runs, which is settled when it is first asked for and never changes.
func Identity(ctx context.Context, s interface {
	Runs
	Records
}) (Origin, error) {
	for {
		value, err := s.Record(ctx, identityKind, identityKey)
		if err == nil {
			const size = len(ID{})
			if len(value) != size+8 {
				return Origin{}, fmt.Errorf("identity of the store has %d bytes, not %d", len(value), size+8)
			}
			return Origin{ID: ID(value[:size]), Since: RunID(binary.BigEndian.Uint64(value[size:]))}, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return Origin{}, fmt.Errorf("read the identity of the store: %w", err)
		}
		newest, err := s.Newest(ctx)
		if err != nil {
			return Origin{}, fmt.Errorf("read the newest run: %w", err)
		}
		var id ID
		_, _ = rand.Read(id[:]) // never fails
		value = binary.BigEndian.AppendUint64(id[:], uint64(newest))
		err = s.PutRecords(ctx, Record{Kind: identityKind, Key: identityKey, Value: value, Unique: true})
		if err != nil && !errors.Is(err, ErrExists) { // else somebody else was faster
			return Origin{}, fmt.Errorf("write the identity of the store: %w", err)
		}
	}
}
