//go:build linux

package shell

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The test binary plays every part: run as "supervise" it is a supervisor, as "engine" a server that can be killed.
// A first argument crash=<point> makes it kill itself there.
func TestMain(m *testing.M) {
	supervisorEnv = append(supervisorEnv, "GORACE=atexit_sleep_ms=0") // with -race every supervisor would idle for a second
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "supervise":
		args, at := crashing(os.Args[2:])
		os.Exit(supervise(args, at))
	case "engine":
		args, at := crashing(os.Args[2:])
		os.Exit(engine(args, at))
	}
	os.Exit(m.Run())
}

func crashing(args []string) ([]string, func(string)) {
	if len(args) == 0 || !strings.HasPrefix(args[0], "crash=") {
		return args, func(string) {}
	}
	point := strings.TrimPrefix(args[0], "crash=")
	return args[1:], func(at string) {
		if at == point {
			fmt.Fprintln(os.Stderr, "crash at", point)
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}
