package catalog_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/catalog"
	"maestro/internal/inflight"
	"maestro/internal/meter"
	"maestro/internal/scope"
	"maestro/param"
)

// deadly are params during whose evaluation the process dies: it has begun and never ends.
type deadly struct {
	*scope.Exprs
	begun, never chan struct{}
}

func (d *deadly) EvaluateWorkflow(*meter.Meter, *param.Defs, *scope.Run, scope.World, int64) (*param.Params, error) {
	close(d.begun)
	<-d.never
	return nil, nil
}

// TestDeadlyDefinition pushes a definition that kills the server twice. It is refused the third time, and no other is.
func TestDeadlyDefinition(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	path := filepath.Join(t.TempDir(), "inflight")
	life := func(p catalog.Params) *catalog.Catalog {
		g, err := inflight.Open(t.Context(), path, f.store, clock, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		c, err := catalog.New(catalog.Config{Store: f.store, Params: p, Guard: g, Now: func() int64 { return clock }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Stop)
		return c
	}
	never := make(chan struct{})
	var dead []chan struct{}
	for range 2 {
		d := &deadly{scope.New(scope.Config{}), make(chan struct{}), never}
		c, over := life(d), make(chan struct{})
		r, err := f.decode(noop)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(over)
			defer func() { _ = recover() }() // of what goes on after the end of the test
			_ = c.Validate(t.Context(), r, "alice")
		}()
		<-d.begun
		dead = append(dead, over)
	}
	c := life(scope.New(scope.Config{}))
	push := func(text string) error {
		r, err := f.decode(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Push(t.Context(), r, "alice")
		return err
	}
	if err := push(noop); err == nil || !strings.Contains(err.Error(), "died twice") {
		t.Errorf("the deadly definition: %v", err)
	}
	if err := push(strings.Replace(noop, `"a"`, `"b"`, 1)); err != nil {
		t.Errorf("another one: %v", err)
	}
	close(never)
	for _, over := range dead {
		<-over
	}
}
