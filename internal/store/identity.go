package store

import (
	"context"
	"crypto/rand"
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

// Identity returns the identity of a store, which is made when it is first asked for and never changes.
func Identity(ctx context.Context, s Records) (id ID, err error) {
	for {
		value, err := s.Record(ctx, identityKind, identityKey)
		if err == nil {
			if copy(id[:], value) != len(id) || len(value) != len(id) {
				return ID{}, fmt.Errorf("identity of the store has %d bytes, not %d", len(value), len(id))
			}
			return id, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return ID{}, fmt.Errorf("read the identity of the store: %w", err)
		}
		_, _ = rand.Read(id[:]) // never fails
		err = s.PutRecords(ctx, Record{Kind: identityKind, Key: identityKey, Value: id[:], Unique: true})
		if err != nil && !errors.Is(err, ErrExists) { // else somebody else was faster
			return ID{}, fmt.Errorf("write the identity of the store: %w", err)
		}
	}
}
