package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The variables by which this program becomes another one on some cores: see
// [becomeOther].
const (
	becomeVariable = "HOLDFAST_BENCH_BECOME"
	coresVariable  = "HOLDFAST_BENCH_CORES"
)

// becoming is the environment by which this program becomes another one.
func becoming(program string, cores ...int) map[string]string {
	list := make([]string, len(cores))
	for i, core := range cores {
		list[i] = strconv.Itoa(core)
	}
	return map[string]string{becomeVariable: program, coresVariable: strings.Join(list, ",")}
}

// becomeOther replaces this process by the program that the environment names, on the
// cores that it names. So everything that program ever does happens there, its start
// included, without a tool that the machine may not have.
func becomeOther() {
	program := os.Getenv(becomeVariable)
	if program == "" {
		return
	}
	runtime.LockOSThread() // the affinity is the thread's, and what it becomes inherits it
	err := func() error {
		var set unix.CPUSet
		for text := range strings.SplitSeq(os.Getenv(coresVariable), ",") {
			core, err := strconv.Atoi(text)
			if err != nil {
				return err
			}
			set.Set(core)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return err
		}
		os.Unsetenv(becomeVariable)
		return unix.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ())
	}()
	fmt.Fprintf(os.Stderr, "bench: becoming %s: %v\n", program, err)
	os.Exit(1)
}

// pairVariable holds the two cores while this program runs on the second.
const pairVariable = "HOLDFAST_BENCH_PAIR"

// splitCores finds a core for the gateway and one for the loader, and has this program
// begin anew on the second, with everything that it will ever start.
func splitCores() (gateway, loader int, err error) {
	if pair := os.Getenv(pairVariable); pair != "" {
		_, err := fmt.Sscanf(pair, "%d,%d", &gateway, &loader)
		return gateway, loader, err
	}
	if gateway, loader, err = twoCores(); err != nil {
		return 0, 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	os.Setenv(pairVariable, fmt.Sprintf("%d,%d", gateway, loader))
	for name, value := range becoming(self, loader) {
		os.Setenv(name, value)
	}
	becomeOther()
	return 0, 0, errors.New("unreachable: this process became another")
}

// twoCores are the first and the last that this process may use.
func twoCores() (gateway, loader int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, err
	}
	gateway, loader = -1, -1
	for core := range len(set) * 64 {
		if !set.IsSet(core) {
			continue
		}
		if gateway < 0 {
			gateway = core
		}
		loader = core
	}
	if gateway == loader {
		return 0, 0, errors.New("one core is not enough: the gateway and the loader need one each")
	}
	return gateway, loader, nil
}

// cpuTime is what a process has used so far, user and system: utime + stime of
// /proc/PID/stat, but in nanoseconds in place of ticks of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	// clock_getcpuclockid(3): the clock of a process is its complement, shifted, and 2
	// for the scheduler's own count.
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident is how many bytes of memory a process holds (VmRSS).
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0, err
	}
	return pages * os.Getpagesize(), nil
}

// machine describes what this runs on, without naming it.
func machine() string {
	model := "unknown CPU"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	memory := "unknown memory"
	var system unix.Sysinfo_t
	if unix.Sysinfo(&system) == nil {
		memory = fmt.Sprintf("%d GB", (uint64(system.Totalram)*uint64(system.Unit)+1<<29)>>30)
	}
	kernel, _ := exec.Command("uname", "-sr").Output()
	return fmt.Sprintf("%s, %d cores, %s, %s", model, onlineCores(string(info)), memory, strings.TrimSpace(string(kernel)))
}

func onlineCores(info string) int { return strings.Count("\n"+info, "\nprocessor") }
