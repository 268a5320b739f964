package config

import (
	"slices"
	"strings"

	"maestro/internal/doc"
)

// hint says what an unknown key was probably meant to be: a setting with a similar name, or the one that the original
// Maestro has under this name. It is empty when nothing comes near.
func (r *fileReader) hint(key string, value *doc.Node) string {
	for _, k := range append([]string{key}, below(key, value)...) {
		for _, s := range r.table.Settings {
			if s.Was != "" && (k == s.Was || strings.HasPrefix(s.Was, k+".")) {
				return "; what Maestro calls " + s.Was + " is " + s.Key + " here"
			}
		}
	}
	best, distance := "", 4
	for _, s := range r.table.Settings {
		section, _, _ := strings.Cut(s.Key, ".")
		for _, name := range []string{s.Key, section} {
			if d := Edits(plain(key), plain(name)); d < distance && d <= len(key)/3 {
				best, distance = name, d
			}
		}
		// Half of a name is a good guess when it is the whole of the other's last part.
		if i := strings.LastIndexByte(s.Key, '.'); i >= 0 && best == "" && plain(key) == plain(s.Key[i+1:]) {
			best = s.Key
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; see docs/configuration.md for all settings"
}

// Strays returns, for each variable of environ (as os.Environ returns it) that looks like a misspelt setting, a sentence
// that says so. Other MAESTRO_* variables are none of our business: orchestrators make them up.
func (t *Table) Strays(environ []string) []string {
	var out []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "MAESTRO_") || value == "" {
			continue
		}
		best, distance := "", 3
		for _, s := range t.Settings {
			if d := Edits(name, s.Env()); d < distance {
				best, distance = s.Env(), d
			}
		}
		if distance > 0 && best != "" {
			out = append(out, name+" is not a setting and is not used; did you mean "+best+"?")
		}
	}
	slices.Sort(out)
	return out
}

// below returns the full keys of the values inside an unknown object, so that a file written for the original server
// is told about each of its settings by name.
func below(prefix string, n *doc.Node) []string {
	var out []string
	for _, m := range n.Members {
		key := prefix + "." + m.Name
		out = append(append(out, key), below(key, m.Value)...)
	}
	return out
}

// plain drops what people vary in spelling.
func plain(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// Edits returns how many letters must be inserted, dropped or replaced to make a into b.
func Edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
