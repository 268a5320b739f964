package engine_test

import (
	"strings"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/step"
)

// TestPostOutput_OtherWorkflow keeps data of a job that is said to be of another workflow than the one whose step has the
// job in the end: the step does not get it.
func TestPostOutput_OtherWorkflow(t *testing.T) {
	t.Parallel()
	f, began, _ := openJobs(t)
	defer f.close(t)
	for job, workflow := range map[string]string{"job-1": "other", "job-2": "w"} {
		q := engine.JobOutput{Type: "Shell", Job: job, WorkflowID: workflow, Data: []byte(strings.ReplaceAll(rows, "7", "9"))}
		if delivered, err := f.PostOutput(t.Context(), q); delivered || err != nil {
			t.Fatal(delivered, err)
		}
		run := f.start(t, "w")
		j := <-began
		j.r.Report(step.Report{State: step.Done, Artifacts: map[string][]byte{"maestro_shell": []byte(`{"job_id":"` + job + `"}`)}})
		got, of := f.await(t, run).StepParams(0).Lookup("rows").Result.Long(), int64(9)
		if workflow != "w" {
			of = 0
		}
		if got != of {
			t.Errorf("a job of workflow w is given %d of workflow %s, want %d", got, workflow, of)
		}
	}
}
