package api_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"maestro/api"
)

// TestErrorIsItsCode has a refusal found by its code and by its cause, however it is wrapped.
func TestErrorIsItsCode(t *testing.T) {
	t.Parallel()
	refusal := api.Errorf(api.NotFound, "no file %q: %w", "x", fs.ErrNotExist)
	for _, err := range []error{refusal, fmt.Errorf("open: %w", refusal), errors.Join(errors.New("other"), refusal)} {
		if !errors.Is(err, api.NotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is neither its code nor its cause", err)
		}
		if errors.Is(err, api.Conflict) || errors.Is(err, api.Code("")) {
			t.Errorf("%v is another code", err)
		}
		if e, ok := errors.AsType[*api.Error](err); !ok || e != refusal {
			t.Errorf("%v does not give the refusal", err)
		}
	}
	if !errors.Is(fmt.Errorf("later: %w", api.TooManyRequests), api.TooManyRequests) {
		t.Error("a code alone is no error of its kind")
	}
}

// TestErrorText has the text of a refusal be its message, which can be a part of another one.
func TestErrorText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  *api.Error
		want string
	}{
		{api.Errorf(api.BadRequest, "step [%s] is odd: %w", "a", errors.New("why")), "step [a] is odd: why"},
		{&api.Error{Code: api.BadRequest, Errors: []string{"line 1", "line 2"}}, "line 1"},
		{&api.Error{Code: api.BadRequest}, "BAD_REQUEST"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
