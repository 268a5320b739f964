package uuid_test

import (
	"strings"
	"testing"

	"maestro/internal/uuid"
)

// TestKnown compares with UUIDs that others made: of version 3 by Java's nameUUIDFromBytes, of version 5 by RFC 9562, A.4.
func TestKnown(t *testing.T) {
	t.Parallel()
	if got := uuid.Format(uuid.OfText([]byte("hello"))); got != "5d41402a-bc4b-3a76-b971-9d911017c592" {
		t.Errorf("version 3: %s", got)
	}
	dns, ok := uuid.Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if !ok {
		t.Fatal("the name space is not read")
	}
	if got := uuid.Format(uuid.OfName(append(dns[:], "www.example.com"...))); got != "2ed6657d-e927-568b-95e1-2665a8aea6a2" {
		t.Errorf("version 5: %s", got)
	}
	if a, b := uuid.Random(), uuid.Random(); a == b || uuid.Format(a)[14] != '4' || !strings.Contains("89ab", uuid.Format(a)[19:20]) {
		t.Errorf("version 4: %s and %s", uuid.Format(a), uuid.Format(b))
	}
}

// TestParse reads what Format writes, and nothing that merely resembles it.
func TestParse(t *testing.T) {
	t.Parallel()
	const text = "2ed6657d-e927-568b-95e1-2665a8aea6a2"
	for _, same := range []string{text, strings.ToUpper(text)} {
		if u, ok := uuid.Parse(same); !ok || uuid.Format(u) != text {
			t.Errorf("%s is read as %s", same, uuid.Format(u))
		}
	}
	for _, bad := range []string{
		"", text[1:], text + "0", strings.ReplaceAll(text, "-", ""), strings.Replace(text, "2ed", "2eg", 1),
		strings.Replace(text, "7d-e", "7de-", 1), "{" + text[1:35] + "}", strings.Replace(text, "a2", "-2", 1),
	} {
		if u, ok := uuid.Parse(bad); ok || u != [16]byte{} {
			t.Errorf("%q is read as %s", bad, uuid.Format(u))
		}
	}
}
