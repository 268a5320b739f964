package engine_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/param"
	"maestro/spec"
)

// TestTemplateNotReadable has the store fail while a step's job template is read: the step waits until it answers, across
// events and a restart of the engine, and never fails for it.
func TestTemplateNotReadable(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var up atomic.Bool
		var asked atomic.Int64
		l.book.Templates = func(string) (*instance.Template, error) {
			if asked.Add(1); !up.Load() {
				return nil, errors.New("the disk is gone")
			}
			return &instance.Template{Tags: spec.Tags{{Name: "of the template"}}}, nil
		}
		l.push("wf", "{}", `{"step":{"id":"a","type":"Shell","sub_type":"x","tags":["own"]}}`)
		e, s := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		time.Sleep(time.Minute)
		synctest.Wait()
		l.want(run, instance.InProgress)
		if n := asked.Load(); n < 10 || n > 100 {
			t.Errorf("the template was asked for %d times in a minute", n)
		}
		l.crash(e, s)
		e, _ = l.open(engine.Config{}, nil)
		time.Sleep(time.Minute)
		l.want(run, instance.InProgress)
		up.Store(true)
		time.Sleep(time.Minute)
		l.want(run, instance.RunSucceeded)
		r, err := e.LoadAny(l.row(run).ID)
		if err != nil {
			t.Fatal(err)
		}
		var tags []string
		for _, tag := range r.StepTags(0, &r.Steps[0].Attempt) {
			tags = append(tags, tag.Name)
		}
		if !slices.Equal(tags, []string{"own", "of the template"}) {
			t.Errorf("the step has the tags %q", tags)
		}
	})
}

// TestTemplateRefused has a job template that cannot be used: that is the step's fault, and said.
func TestTemplateRefused(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.book.Templates = func(version string) (*instance.Template, error) {
			return nil, param.Errorf(param.IllegalArgument, "no template in version [%s]", version)
		}
		l.push("wf", "{}", `{"step":{"id":"a","type":"Shell","sub_type":"x","sub_type_version":"v7"}}`)
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		time.Sleep(time.Second)
		l.want(run, instance.RunFailed)
		r, err := e.LoadAny(l.row(run).ID)
		if err != nil {
			t.Fatal(err)
		}
		if lines := r.Steps[0].Lines; len(lines) == 0 || !strings.Contains(lines[len(lines)-1].Errors[0], "no template in version [v7]") {
			t.Errorf("the step says %+v", lines)
		}
	})
}

// TestSimultaneousActions has clients act on one step at once: one is done, the others are told which.
func TestSimultaneousActions(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", "{}", `{"step":{"id":"a","type":"Shell"}}`)
		l.work.onStart = func(_ *step.Attempt, r step.Reporter) { r.Report(step.Report{State: step.Continue}) }
		l.work.onStop = func(_ *step.Attempt, r step.Reporter) {
			time.Sleep(100 * time.Millisecond)
			r.Report(step.Report{State: step.Stopped})
		}
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		time.Sleep(time.Second)
		actions := []instance.Action{instance.Stop, instance.Kill, instance.Skip, instance.Stop}
		answers := make(chan error, len(actions))
		for _, action := range actions {
			go func() {
				_, err := e.ActOnStep(t.Context(), engine.StepAction{
					WorkflowID: "wf", Instance: run.Instance, Step: "a", Action: action, User: "u", Blocking: true,
				})
				answers <- err
			}()
		}
		done := 0
		for range actions {
			switch err := <-answers; {
			case err == nil:
				done++
			case !strings.Contains(err.Error(), "CONFLICT") || !strings.Contains(err.Error(), "by user [u]"):
				t.Errorf("refused with %v", err)
			}
		}
		if done != 1 {
			t.Errorf("%d of %d actions were done", done, len(actions))
		}
	})
}
