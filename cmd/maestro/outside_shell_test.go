package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// stepScript is a shell step. It writes down that it begins, before anything else, and when it has done its work.
const stepScript = `me=$MAESTRO_STEP_INSTANCE_UUID
luck=$(echo "$SEED $MAESTRO_WORKFLOW_ID $MAESTRO_WORKFLOW_INSTANCE_ID $MAESTRO_STEP_ID $MAESTRO_STEP_ATTEMPT_ID" | cksum)
luck=$((${luck%% *} % 20))
life=well
if [ -e "$WORLD/troubled" ]; then
	case $luck in
	0|1) life=slow;; 2|3) life=fails;; 4|5) life=wordy;; 6|7) life=deaf;; 8|9) life=forks;;
	10) life=orphaned;; 11) life=forever;; 12) life=shot;; 13) life=raves;; 14) life=strikes-first;; 15) life=strikes-last;;
	esac
	case $PATIENT$life in truedeaf|trueforever) life=slow;; esac
fi
echo "$me $life" >>"$WORLD/began"
case $life in
slow) sleep 1;;
fails) exit 3;;
wordy) yes "all work and no play makes jack" | head -c 30000000;;
deaf) trap '' TERM HUP INT; while :; do sleep 0.2; done;;
forks) sleep 1000 & (sleep 1000 & sleep 1000) & trap '' TERM;;
orphaned) kill -9 $PPID; sleep 1000;;
forever) sleep 1000;;
shot) kill -9 $$;;
strikes-first) echo >"$WORLD/strike"; sleep 0.3;;
raves) echo '{"params":' >"$MAESTRO_OUTPUT_FILE"; exit 0;;
esac
echo "$me" >>"$WORLD/done"
echo "{\"params\":{\"proof\":\"$me\"}}" >"$MAESTRO_OUTPUT_FILE"
[ $life != strikes-last ] || echo >"$WORLD/strike"
`

// listen lets processes strike the server.
func (o *outside) listen() {
	path := filepath.Join(o.dir, "strike")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		o.t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { fifo.Close() })
	go func() {
		for buf := make([]byte, 1); ; o.strike() {
			if _, err := fifo.Read(buf); err != nil {
				return
			}
		}
	}()
}

// written returns the lines of a file that processes wrote.
func (o *outside) written(name string) []string {
	text, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil && !os.IsNotExist(err) {
		o.t.Error(err)
	}
	return strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(text)), " ", ":"))
}

// processes returns those of shell steps that live: their environment names the world.
func (o *outside) processes() (pids []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), "WORLD="+o.dir+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// sweep ends what a failed test leaves.
func (o *outside) sweep() {
	for _, pid := range o.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
