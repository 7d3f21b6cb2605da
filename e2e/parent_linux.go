package e2e

import "syscall"

// dieWithParent makes the kernel end Envoy when this program dies in any way.
func dieWithParent() *syscall.SysProcAttr {
	// An own process group: Ctrl-C reaches this program, which stops Envoy in order.
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
