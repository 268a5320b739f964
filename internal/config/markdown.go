package config

import (
	"fmt"
	"strings"
)

// Markdown returns docs/configuration.md.
func (t *Table) Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	section := ""
	for i, s := range t.Settings {
		group, _, nested := strings.Cut(s.Key, ".")
		if !nested {
			group = "general"
		}
		if i == 0 || group != section {
			section = group
			fmt.Fprintf(&b, "\n## %s\n\n| setting | type | default | meaning |\n| --- | --- | --- | --- |\n", group)
		}
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s`<br>`--%s`<br>`%s` | %s | %s | %s%s |\n",
			s.Key, s.Flag(), s.Env(), s.value.kind, def, strings.ReplaceAll(s.Help, "|", `\|`), was(s))
	}
	return b.String()
}

func was(s *Setting) string {
	if s.Was == "" {
		return ""
	}
	return " (in the original Maestro: `" + s.Was + "`)"
}

const intro = `<!-- Generated from internal/config/table.go. To change it, change the table and run
     go test ./internal/config -rewrite -->

# Configuration

A server needs no settings: ` + "`maestro server`" + ` serves on this machine only and keeps its state in ` + "`maestro.db`" + ` in the
working directory. Each setting can be given in three places; the first that has it wins:

1. a flag, such as ` + "`--shell-max-concurrent 4`" + `
2. an environment variable, such as ` + "`MAESTRO_SHELL_MAX_CONCURRENT=4`" + `; an empty one counts as not set
3. the file named by ` + "`--config FILE` or `MAESTRO_CONFIG`" + `

The file is YAML. Unknown settings are errors, and so are values that make no sense; all of them are reported at once.

` + "```yaml" + `
listen: 0.0.0.0:8080
store: postgres://maestro@db.internal/maestro
http:
  allow: [api.example.com, "*.internal", 10.0.0.0/8]
log:
  format: json
` + "```" + `

Durations are written like ` + "`500ms`, `30s`, `15m`, `24h` or `7d`" + `, sizes like ` + "`65536`, `64KiB` or `1GB`" + `. A list is a YAML
list in the file, and has commas between its entries as a flag or variable; the flag may be repeated.

The commands that talk to a server read ` + "`MAESTRO_SERVER` and `MAESTRO_USER`" + ` instead; see ` + "`maestro help`" + `.
`
