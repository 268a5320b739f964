package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRunOnATerminal runs the program on a pseudo terminal: the list of steps is redrawn in place, in colour, and the
// last frame stays. Ctrl-C stops the run.
func TestRunOnATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "d.json", fmt.Sprintf(shellStep, "tty", shellJob("first", "sleep 0.5", "second")+","+shellJob("second", "echo done", "")))
	screen, code := onTerminal(t, dir, "", "run", "d.json")
	if code != 0 {
		t.Errorf("got exit code %d", code)
	}
	wants(t, screen, "\x1b[32mSUCCEEDED", "\x1b[32m✓\x1b[0m first", "run tty/1", "\x1b[3A\r\x1b[2K")
	if last := screen[strings.LastIndex(screen, "\x1b[2K"):]; strings.Contains(last, "RUNNING") {
		t.Errorf("the last frame has %q", last)
	}

	write(t, dir, "slow.json", job("slow", "sleep 30"))
	screen, code = onTerminal(t, dir, "RUNNING", "run", "slow.json", "--no-color")
	if code != exitInterrupted {
		t.Errorf("got exit code %d, want %d", code, exitInterrupted)
	}
	wants(t, screen, "STOPPED", "run slow/1 STOPPED")
	if strings.Contains(screen, "\x1b[32m") || strings.Contains(screen, "\x1b[34m") {
		t.Error("colours despite --no-color")
	}
}

// onTerminal runs the program on a pseudo terminal and returns what it wrote there. When text appears it types Ctrl-C.
func onTerminal(t *testing.T, dir, text string, args ...string) (string, int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t), args...)
	cmd.Dir, cmd.Env = dir, environ("TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	var out output
	ended, drained := make(chan struct{}), make(chan struct{})
	go func() { _, _ = io.Copy(&out, master); close(drained) }()
	go func() { _ = cmd.Wait(); close(ended) }()
	if text != "" {
		eventually(t, "the terminal shows "+text, func() bool { return strings.Contains(out.String(), text) })
		if _, err := master.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatalf("still running: %q", out.String())
	}
	select { // the terminal hangs up when nobody has it open any more
	case <-drained:
	case <-time.After(5 * time.Second):
		t.Error("the terminal is open after the program has ended")
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
