//go:build keycloak

package e2e

import "syscall"

// endWithParent makes the kernel tell kc.sh when this program dies in any way; it
// passes SIGTERM on to its java.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}

func endGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }
