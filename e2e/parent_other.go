//go:build !linux

package e2e

import "syscall"

// dieWithParent does nothing here: only Linux knows a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }
