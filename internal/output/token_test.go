package output_test

import (
	"strings"
	"testing"

	"maestro/internal/output"
)

func TestToken(t *testing.T) {
	t.Parallel()
	secret := []byte("secret")
	token := output.Token(secret, "attempt-1")
	if got, ok := output.TokenOf(secret, token); !ok || got != "attempt-1" {
		t.Errorf("got %q, %t", got, ok)
	}
	if _, ok := output.TokenOf([]byte("another"), token); ok {
		t.Error("the token of another installation is accepted")
	}
	for i := range token {
		for _, c := range []string{"", "A", "B", "."} {
			forged := token[:i] + c + token[i+1:]
			// The last character holds bits that are not used.
			if got, ok := output.TokenOf(secret, forged); ok && forged != token && (got != "attempt-1" || i < len(token)-1) {
				t.Errorf("%q is accepted for %q", forged, token)
			}
		}
	}
	if strings.ContainsAny(token, " \n\"'$\\") {
		t.Errorf("%q needs quoting", token)
	}
}
