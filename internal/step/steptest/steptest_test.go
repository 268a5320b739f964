package steptest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"maestro/internal/step/steptest"
)

// TestFake runs the suite against a runtime that keeps all promises, unless it is told to break one.
func TestFake(t *testing.T) {
	flaw := os.Getenv("STEPTEST_FLAW")
	h := steptest.Harness{New: newWorld(flaw), CanReattach: true, ExactlyOnce: true, CanStop: true, SlowStop: true, Identity: true, InProcess: true}
	if flaw != "" {
		h.Patience = 400 * time.Millisecond
	}
	steptest.Run(t, h)
}

// TestEveryPromiseCanBeBroken breaks one promise after the other and looks whether the suite notices.
func TestEveryPromiseCanBeBroken(t *testing.T) {
	for promise, flaw := range map[string]string{
		"DoneWhenItEndsWell":            "fails always",
		"UserErrorWhenItFails":          "never fails",
		"StartDoesNotWait":              "start waits",
		"StartTwiceBeginsOnce":          "begins again",
		"ConcurrentStartsBeginOnce":     "looks before it leaps",
		"TwoRuntimesBeginOnce":          "remembers alone",
		"ReportsAfterTheEndAreHarmless": "reports again",
		"PanickingReporterHarmsNobody":  "does not recover",
		"StopBeforeStart":               "stops only what it knows",
		"StartAfterStopBeginsNothing":   "forgets stops",
		"StopEndsTheWork":               "only says so",
		"StopTwice":                     "stops once",
		"StopAfterTheEnd":               "stops only what runs",
		"StopRacesStart":                "forgets stops",
		"StoppedOnlyWhenNothingRuns":    "says so early",
		"StopFromAnotherRuntime":        "remembers alone",
		"ContextEndLetsGo":              "takes it along",
		"WorkOutlivesTheRuntime":        "takes it along",
		"ResultIsFoundAgain":            "remembers alone",
		"LostReportIsFoundAgain":        "remembers alone",
		"OtherWorkflowIsOtherWork":      "goes by the uuid",
		"StopOfOneLeavesTheOther":       "goes by the uuid",
		"ForeignWorkIsRefused":          "adopts",
		"NothingIsLeft":                 "leaks",
	} {
		t.Run(promise, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestFake$/^Promises$/^" + promise + "$"
			if promise == "NothingIsLeft" {
				pattern = "^TestFake$/^NothingIsLeft$"
			}
			cmd := exec.Command(os.Args[0], "-test.run", pattern)
			cmd.Env = append(os.Environ(), "STEPTEST_FLAW="+flaw, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFake/") && !strings.Contains(string(out), "panic: ") {
				t.Errorf("a runtime that %s passes (%v):\n%s", flaw, err, out)
			}
		})
	}
}
