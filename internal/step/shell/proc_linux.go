package shell

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// orphansComeToUs tells that a supervisor inherits the processes whose parent ended, so that it knows when none is left.
const orphansComeToUs = true

// adoptOrphans makes this process the parent of all descendants whose own parent ends.
func adoptOrphans() {
	const setChildSubreaper = 36
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0) // an old kernel: orphans go to init as ever
}

// processAttr puts the process in a group of its own, and has it killed if its supervisor dies.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// bootID identifies the time since the machine started; "" if unknown.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// stat is what /proc says about a process.
type stat struct {
	zombie         bool
	parent         int
	group, session int
	start          uint64 // clock ticks since boot
}

func readStat(pid int) (s stat, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return s, false
	}
	name := bytes.LastIndexByte(text, ')') // the name may hold anything
	f := strings.Fields(string(text[name+1:]))
	if name < 0 || len(f) < 20 {
		return s, false
	}
	s.zombie = f[0] == "Z" || f[0] == "X"
	s.parent, _ = strconv.Atoi(f[1])
	s.group, _ = strconv.Atoi(f[2])
	s.session, _ = strconv.Atoi(f[3])
	s.start, _ = strconv.ParseUint(f[19], 10, 64)
	return s, true
}

// startOf tells when a process started; 0 if there is none or nobody knows.
func startOf(pid int) uint64 {
	s, _ := readStat(pid)
	return s.start
}

// isAlive reports whether a process is there that started at that time, and has not ended.
func isAlive(pid int, start uint64) bool {
	s, ok := readStat(pid)
	return ok && !s.zombie && s.start == start
}

// supervisorsOf returns the processes of this user that lead a session and whose last argument is a directory.
func supervisorsOf(dir string) []int {
	names, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, name := range names {
		args, err := os.ReadFile(name + "/cmdline")
		if err != nil || !bytes.HasSuffix(args, []byte("\x00"+dir+"\x00")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(name))
		info, err := os.Stat(name)
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) {
			continue
		}
		if s, ok := readStat(pid); ok && s.session == pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sessionMembers returns the live processes of a session that began at since or later, but not its leader.
func sessionMembers(session int, since uint64) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == session {
			continue
		}
		if s, ok := readStat(pid); ok && s.session == session && !s.zombie && s.start >= since {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ours reports whether a process is a child of this one.
func ours(pid int, start uint64) bool {
	s, ok := readStat(pid)
	return ok && s.parent == os.Getpid() && s.start == start
}
