package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"maestro/internal/store"
)

const (
	installationKind = "installation" // the collection of one record
	installationKey  = "id"
)

// installation returns the identity of a store, which it gets when it is first asked for. What this program makes outside
// of itself carries it, so that another installation does not take it for its own, whatever both are named.
func installation(ctx context.Context, db store.Records) (string, error) {
	err := db.PutRecords(ctx, store.Record{Kind: installationKind, Key: installationKey, Value: []byte(rand.Text()), Unique: true})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return "", fmt.Errorf("keep the identity of this installation: %w", err)
	}
	id, err := db.Record(ctx, installationKind, installationKey)
	if err != nil {
		return "", fmt.Errorf("read the identity of this installation: %w", err)
	}
	return string(id), nil
}
