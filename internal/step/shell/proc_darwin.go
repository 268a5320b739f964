package shell

import (
	"os"
	"syscall"
	"unsafe"
)

// orphansComeToUs is false: orphans go to launchd, and only the process group tells whether any are left.
const orphansComeToUs = false

func adoptOrphans() {}

// processAttr puts the process in a group of its own.
func processAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// bootID identifies the time since the machine started; "" if unknown.
func bootID() string {
	id, _ := syscall.Sysctl("kern.bootsessionuuid")
	return id
}

// startOf is not known without cgo or a larger dependency.
func startOf(int) uint64 { return 0 }

// isAlive reports whether there is a process with that number. When it started is not known.
func isAlive(pid int, _ uint64) bool { return syscall.Kill(pid, 0) == nil }

// supervisorsOf is not known.
func supervisorsOf(string) []int { return nil }

// sessionMembers is not known; group members are killed by group.
func sessionMembers(int, uint64) []int { return nil }

// ours reports whether a process is a child of this one, by asking without taking its exit.
func ours(pid int, _ uint64) bool {
	var info [128]byte
	const pPid, exited, noHang, noWait = 1, 4, 1, 0x20
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPid, uintptr(pid), uintptr(unsafe.Pointer(&info)), exited|noHang|noWait, 0, 0)
	return errno == 0 && pid != os.Getpid()
}
