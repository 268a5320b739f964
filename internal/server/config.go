package server

import (
	"context"
	"log/slog"

	"maestro/internal/catalog"
	"maestro/internal/store"
)

// Config is what a Server works with. Catalog is required, zero values of the rest mean the defaults that are given.
// Each area adds the interfaces it needs, as small as it can use them.
type Config struct {
	Catalog *catalog.Catalog
	Counts  RunCounts // of the overview; nil: all are zero
	// Latest returns the highest instance id of a workflow, 0 for none, for the list of workflows. nil: not shown.
	Latest func(ctx context.Context, workflow int64) (int64, error)

	// Inline returns the workflow that the body of a loop is, as JSON, and the id of the workflow that the loop stands in;
	// api.NotFound for an id that is none. nil: loops have no definitions to show.
	Inline func(ctx context.Context, id string) (workflow []byte, parent string, err error)

	// Ready says whether the parts behind the server can do their work; the text of its error is shown to operators.
	// nil: always.
	Ready func(ctx context.Context) error

	Limits  Limits       // of what clients can cost
	Now     func() int64 // epoch milliseconds; nil: the clock
	Log     *slog.Logger // nil: nothing is logged
	Version string       // of this program, shown by the health endpoint

	// Register adds the routes of areas outside of this package, such as the web page. It must not use patterns of this
	// package. nil: none.
	Register func(handle func(pattern string, h HandlerFunc))
}

// RunCounts counts the runs of a workflow. store.Runs is one.
type RunCounts interface {
	Counts(ctx context.Context, workflow int64) (store.Counts, error)
}
