package main

import "maestro/internal/step/shell"

// supervisorCommand is the argument with which the server starts this program as the supervisor of a shell step: a
// process that outlives the server, so that the step does too. It is not a command for people and is in no help.
const supervisorCommand = "supervise"

// superviseFirst runs a supervisor if that is what the arguments ask for. It comes before everything else: there is one
// such process for each running shell step, so it has to be small and quick to start, and it handles signals itself.
func superviseFirst(args []string) (code int, done bool) {
	if len(args) == 0 || args[0] != supervisorCommand {
		return 0, false
	}
	return shell.Supervise(args[1:]), true
}
