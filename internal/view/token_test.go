package view_test

import (
	"math"
	"strings"
	"testing"

	"maestro/internal/view"
)

// TestToken: a client gets back the place that it gives, and the form of what it holds never changes: a token that was
// given out once is read for ever, or refused for its form.
func TestToken(t *testing.T) {
	t.Parallel()
	for c, want := range map[view.Cursor]string{
		{}:                                   "c1.AAEiaQ",
		{Pos: 0, Index: view.WholeEntry}:     "c1.AAAS_w",
		{Pos: 1, Index: 0}:                   "c1.AQETKA",
		{Pos: 12345, Index: 3}:               "c1.uWAEszM",
		{Pos: 12345, Index: view.WholeEntry}: "c1.uWAAdyo",
		{Pos: math.MaxInt64, Index: view.WholeEntry - 1}: "c1.__________9______wdKIw",
	} {
		if got := c.Token(); got != want {
			t.Errorf("%s: got %s, want %s", c, got, want)
		}
		if got, err := view.ParseToken(c.Token()); err != nil || got != c {
			t.Errorf("%s: read as %s, %v", c, got, err)
		}
		if got, err := view.ParseToken(c.String()); err != nil || got != c {
			t.Errorf("the id %s of an event: read as %s, %v", c, got, err)
		}
	}
	if c, err := view.ParseToken(""); err != nil || c != (view.Cursor{}) {
		t.Errorf("nothing: read as %v, %v", c, err)
	}
}

// TestNoToken: what is not a token as it was given out is refused, and not read as another place.
func TestNoToken(t *testing.T) {
	t.Parallel()
	token := view.Cursor{Pos: 12345, Index: 3}.Token()
	for _, text := range []string{
		"x", "-1", "1.", ".1", "1.2.3", "c", "c.", "c1", "c1.", "c1.!", "c1.AA", "c1.//8", "c1.____________", "C1." + token[3:], " " + token, token + "=", token + "A",
		"c-1." + token[3:], "c1" + token[3:], "99999999999999999999", "c1.gICAgICAgICAgAE", strings.Repeat("9", 200),
	} {
		if c, err := view.ParseToken(text); err == nil || !strings.Contains(err.Error(), "is not a cursor: ") {
			t.Errorf("%q: read as %s, %v", text, c, err)
		}
	}
	for i := range token {
		cut, changed := token[:i], token[:i]+"7"+token[i+1:]
		for _, text := range []string{cut, changed} {
			if c, err := view.ParseToken(text); err == nil && i > 0 && text != token {
				t.Errorf("%q, made of %q: read as %s", text, token, c)
			}
		}
	}
	if _, err := view.ParseToken("c2.AAAA"); err == nil || !strings.Contains(err.Error(), "form 2") || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("another form: %v", err)
	}
}
