package instance_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"maestro/internal/instance"
)

var rewrite = flag.Bool("rewrite", false, "rewrite generated documents and transcripts")

// TestStatesDocument keeps docs/states.md equal to the tables the state machine obeys.
func TestStatesDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States\n\nGenerated from `internal/instance/transitions.go` by `go test ./internal/instance -run StatesDocument -rewrite`.\n" +
		"No other transition is possible: the state machine refuses it.\n\n## Runs\n\n| from | to | when |\n| --- | --- | --- |\n")
	name := func(s instance.RunStatus) string {
		switch s {
		case instance.RunNone:
			return "(none)"
		case instance.FailedCleared:
			return "FAILED (unblocked)"
		default:
			return s.String()
		}
	}
	for _, tr := range instance.RunTransitions() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name(tr.From), name(tr.To), tr.Cause)
	}
	b.WriteString("\n## Step attempts\n\n| from | to | when |\n| --- | --- | --- |\n")
	for _, tr := range instance.StepTransitions() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", tr.From, tr.To, tr.Cause)
	}
	const path = "../../docs/states.md"
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("docs/states.md differs from the transition tables; run go test ./internal/instance -run StatesDocument -rewrite")
	}
}
