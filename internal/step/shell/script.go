package shell

import "strings"

// normalScript returns a script as interpreters of this system read it. One that was written on Windows may begin with a
// byte order mark, and its lines end with CR LF: the CR would become part of the last word of each. CR LF elsewhere, as
// in a document of a protocol, stays.
func normalScript(script string) string {
	script = strings.TrimPrefix(script, "\ufeff")
	if i := strings.IndexByte(script, '\n'); i > 0 && script[i-1] == '\r' {
		script = strings.ReplaceAll(script, "\r\n", "\n")
	}
	return script
}

// namedInterpreter returns the interpreter that the first line of a script names after #!, "" if it names none.
func namedInterpreter(script string) string {
	rest, ok := strings.CutPrefix(script, "#!")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// fitsArgument reports whether a script can be an argument of its interpreter: Linux takes no longer ones, and a shell
// takes one that begins with - or + for options.
func fitsArgument(script string) bool {
	return len(script) <= maxScriptArg && !strings.HasPrefix(script, "-") && !strings.HasPrefix(script, "+")
}
