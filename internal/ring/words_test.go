package ring_test

import (
	"os/exec"
	"strings"
	"testing"

	"maestro/client"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// Some words stand in two packages that must not know each other. They say the same.

// TestOutcomes: a runtime knows nothing of runs, and the state machine nothing of runtimes; what work came to passes between
// them as a number.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	pairs := map[step.State]instance.Outcome{
		step.Continue: instance.OutcomeContinue, step.Done: instance.OutcomeDone, step.UserError: instance.OutcomeUserError,
		step.PlatformError: instance.OutcomePlatformError, step.FatalError: instance.OutcomeFatalError, step.Stopped: instance.OutcomeStopped,
		step.TimedOut: instance.OutcomeTimedOut, step.Internal: instance.OutcomeInternal,
	}
	for state, outcome := range pairs {
		if uint8(state) != uint8(outcome) {
			t.Errorf("%s is %d to runtimes and %d to the state machine", state, state, outcome)
		}
	}
	if next := step.State(len(pairs)); next.String() != "UNKNOWN" {
		t.Errorf("%s is in no pair", next)
	}
}

// TestClientStatuses: the client is for other programs, which take nothing else of this module; it sorts statuses into the
// same classes as the state machine.
func TestClientStatuses(t *testing.T) {
	t.Parallel()
	for s := instance.NotCreated; s <= instance.StepTimedOut; s++ {
		if client.StepTerminal(s.String()) != s.Terminal() || client.StepComplete(s.String()) != s.Complete() {
			t.Errorf("step status %s is terminal %v and complete %v, to the client %v and %v", s, s.Terminal(), s.Complete(), client.StepTerminal(s.String()), client.StepComplete(s.String()))
		}
	}
	for s := instance.Created; s <= instance.FailedCleared; s++ {
		if client.Terminal(s.String()) != s.Terminal() {
			t.Errorf("run status %s is terminal %v, to the client %v", s, s.Terminal(), client.Terminal(s.String()))
		}
	}
	if client.FromIncomplete != instance.RestartFromIncomplete || client.FromBeginning != instance.RestartFromBeginning {
		t.Error("the policies of a restart are others to the client")
	}
}

// TestClientAlone keeps the client free of the server's insides.
func TestClientAlone(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{join .Deps "\n"}}`, "maestro/client").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if strings.HasPrefix(dep, "maestro/") && dep != "maestro/api" {
			t.Errorf("the client depends on %s", dep)
		}
	}
}
