package engine

import (
	"testing"
	"time"

	"maestro/internal/instance"
)

// TestMailKeepsActor has an event come in when an actor is about to leave memory, or to rest: it does neither.
func TestMailKeepsActor(t *testing.T) {
	for name, does := range map[string]func(*actor) bool{
		"leave": (*actor).leave,
		"rest":  func(a *actor) bool { return a.rest(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("it goes on: %v", p)
				}
			}()
			a := &actor{e: &Engine{}, run: &instance.Run{}, inbox: []item{{event: instance.Wake{}}}}
			if gone := does(a); gone || a.gone || a.resting || len(a.inbox) != 1 {
				t.Errorf("gone %t, resting %t, %d events", a.gone, a.resting, len(a.inbox))
			}
		})
	}
}
