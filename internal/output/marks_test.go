package output_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"maestro/internal/output"
)

// TestMarks says what a section is. It cuts streams into pieces in many ways, none of which matters.
func TestMarks(t *testing.T) {
	t.Parallel()
	const s, e = output.StartToken, output.EndToken
	long := strings.Repeat("y", 100)
	for in, want := range map[string]string{
		"":          "nothing",
		"no tokens": "nothing",
		e:           "nothing",

		s + "a" + e:             "a",
		s + e:                   "",
		"x" + s + "a" + e + "z": "a",

		s + "a" + e + "x" + s + "b" + e: "b", // the last counts
		s + "a" + s + "b" + e:           "b", // from the nearest start
		s + "a" + e + e:                 "a", // an end of nothing is nothing
		e + s + "a" + e:                 "a",
		s:                               "nothing",
		s + "a":                         "nothing",
		s + "\n {":                      "nothing, open",
		e + "x" + s + "{":               "nothing, open",
		s + "a" + e + s + "b":           "a",       // the one that is whole
		s + "a" + e + s + `{"n":1}`:     "a, open", // and perhaps it was not meant

		"MAESTRO_OUTPUT_START_" + s + "a" + e:                 "a",
		"MAESTRO_OUTPUT_" + s + "MAESTRO_OUTPUT_END_TOKE" + e: "MAESTRO_OUTPUT_END_TOKE",

		"MAESTRO_OUTPUT_START=" + s + "\nMAESTRO_OUTPUT_END=" + e + "\n":                   "nothing", // an environment
		"MAESTRO_OUTPUT_END=" + e + "\nMAESTRO_OUTPUT_START=" + s + "\n":                   "nothing",
		"export MAESTRO_OUTPUT_START='" + s + "'\nexport MAESTRO_OUTPUT_END='" + e + "'\n": "nothing",
		`MAESTRO_OUTPUT_START="` + s + `"` + s + "a" + e:                                   "a",
		s + "a MAESTRO_OUTPUT_END=" + e + " b" + e:                                         "a MAESTRO_OUTPUT_END=" + e + " b",
		s + "a" + e + "MAESTRO_OUTPUT_START=" + s + "MAESTRO_OUTPUT_END=" + e:              "a",
		"MAESTRO_OUTPUT_START = " + s + "a" + e:                                            "a",

		s + long + e:               "too long",
		s + long:                   "too long",
		s + long + e + s + "a" + e: "a",
		s + "a" + e + s + long + e: "too long",
		s + long[:60] + e:          long[:60],
		s + long[:61] + e:          "too long",
	} {
		for range 50 {
			m := output.Marks{Max: 60}
			for rest := []byte(in); len(rest) > 0; {
				n := 1 + rand.IntN(min(len(rest), 30))
				if wrote, err := m.Write(rest[:n]); wrote != n || err != nil {
					t.Fatal(wrote, err)
				}
				rest = rest[n:]
			}
			if got := describe(m.Section()); got != want {
				t.Fatalf("in %q: got %q, want %q", in, got, want)
			}
		}
	}
}

func describe(s output.Section) string {
	text := "nothing"
	switch {
	case s.TooLong:
		text = "too long"
	case s.Text != nil:
		text = *s.Text
	}
	if s.Open {
		text += ", open"
	}
	return text
}

// TestMarksHold writes much more than a section may have, in and out of one: what is held stays small.
func TestMarksHold(t *testing.T) {
	t.Parallel()
	var m output.Marks
	piece := []byte(strings.Repeat("MAESTRO_OUTPUT_START MAESTRO_OUTPUT_END_TOKE ", 20_000))
	for range 10 {
		m.Write(piece)
	}
	m.Write([]byte(output.StartToken + `{"n":1}` + output.EndToken))
	for range 10 {
		m.Write(piece)
	}
	if got := describe(m.Section()); got != `{"n":1}` || m.Held() > 128<<10 {
		t.Errorf("got %.40q, %d bytes are held", got, m.Held())
	}
	m.Write([]byte(output.StartToken))
	for range 10 {
		m.Write(piece)
	}
	if got := describe(m.Section()); got != "too long" || m.Held() > 2*output.MaxText {
		t.Errorf("got %.40q, %d bytes are held", got, m.Held())
	}
}

func BenchmarkMarks(b *testing.B) {
	line := []byte(strings.Repeat("2024-01-31T00:00:00Z INFO a line of a log as jobs write them\n", 1000))
	b.SetBytes(int64(len(line)))
	var m output.Marks
	for b.Loop() {
		m.Write(line)
	}
}
