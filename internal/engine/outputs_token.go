package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"maestro/api"
	"maestro/internal/output"
	"maestro/internal/store"
)

const (
	secretKind = "secret" // the collection of records of what only this installation knows
	secretKey  = "output" // the one that tokens for output data are made with
)

// open reads the secret, which the first engine on a store makes, and which jobs have data kept.
func (o *outputs) open(ctx context.Context) error {
	secret, err := o.e.store.Record(ctx, secretKind, secretKey)
	if errors.Is(err, store.ErrNotFound) {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		err = o.e.store.PutRecords(ctx, store.Record{Kind: secretKind, Key: secretKey, Value: secret, Unique: true})
	}
	if errors.Is(err, store.ErrExists) { // another engine was quicker
		secret, err = o.e.store.Record(ctx, secretKind, secretKey)
	}
	if err != nil {
		return fmt.Errorf("read the secret of tokens for output data: %w", err)
	}
	o.secret = secret
	return o.openKept(ctx)
}

// env is what a job needs to send output data.
func (o *outputs) env(attempt string) [][2]string {
	env := [][2]string{{output.TokenVar, output.Token(o.secret, attempt)}}
	if o.e.cfg.OutputURL != "" {
		env = append(env, [2]string{output.URLVar, o.e.cfg.OutputURL})
	}
	return env
}

// identify returns the job that output data is of. With a token that is the attempt's, whatever else it is called.
func (o *outputs) identify(q *JobOutput) (job, error) {
	called := job{jobKind(q.Type), q.Job}
	if q.Token == "" {
		if o.e.cfg.OutputTokens {
			return job{}, api.Errorf(api.Unauthorized, "output data needs the token of the attempt it is of, which the job has as %s in its environment: "+
				"send it in the header Authorization: Bearer TOKEN, or Maestro-Output-Token; the setting output_data.require_token switches this off", output.TokenVar)
		}
		return called, nil
	}
	attempt, ok := output.TokenOf(o.secret, q.Token)
	if !ok {
		return job{}, api.Errorf(api.Forbidden, "the token is not one that this server gave to an attempt")
	}
	own := job{"", attempt}
	o.mu.Lock()
	defer o.mu.Unlock()
	if other := o.find(called); q.Job != "" && other != nil && other != o.find(own) {
		return job{}, api.Errorf(api.Forbidden, "the token is of another attempt than the one that has job [%s] of type [%s]", q.Job, q.Type)
	}
	if q.Job == "" {
		q.Job, q.Type = attempt, "attempt"
	}
	q.Sender = attempt
	return own, nil
}
