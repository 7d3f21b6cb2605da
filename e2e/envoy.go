package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Envoy is a running Envoy.
type Envoy struct {
	Admin string // http://127.0.0.1:port

	cmd    *exec.Cmd
	log    *buffer
	access *buffer       // apart from log: in one pipe lines cut each other in two
	done   chan struct{} // closed when the process has ended
	err    error         // why, after done
}

// ErrEnvoyExited means that Envoy ended by itself, as it does when it or the
// filter refuses the configuration. The log says more.
var ErrEnvoyExited = errors.New("envoy exited")

// StartEnvoy runs binary with a bootstrap file and waits until it is ready. dir
// is for its files, and environment is added to its own. The returned Envoy is
// never nil: after an error its Log tells what happened.
func StartEnvoy(ctx context.Context, binary, dir, bootstrap string, concurrency int, environment map[string]string) (*Envoy, error) {
	e := &Envoy{log: &buffer{}, access: &buffer{}, done: make(chan struct{})}
	adminFile := filepath.Join(dir, "admin-address")
	os.Remove(adminFile)
	e.cmd = exec.Command(binary,
		"-c", bootstrap,
		"--concurrency", strconv.Itoa(concurrency),
		"--use-dynamic-base-id", "--service-node", "holdfast", "--service-cluster", "holdfast",
		"--admin-address-path", adminFile,
		"--file-flush-interval-msec", "20",
		"--drain-time-s", "30", // what a replaced listener still serves gets this long
		"--log-level", "warning", "--component-log-level", "wasm:info",
	)
	e.cmd.Env = os.Environ()
	for name, value := range environment {
		e.cmd.Env = append(e.cmd.Env, name+"="+value)
	}
	e.cmd.Stdout, e.cmd.Stderr = e.access, e.log // envoy.yaml logs accesses to /dev/stdout
	e.cmd.SysProcAttr = dieWithParent()
	started := make(chan error, 1)
	go func() {
		// The kernel's "parent" is the thread that started the process, not the
		// program: so this thread stays until Envoy has ended.
		runtime.LockOSThread()
		err := e.cmd.Start()
		started <- err
		if err == nil {
			e.err = e.cmd.Wait()
		}
		close(e.done)
	}()
	if err := <-started; err != nil {
		return e, err
	}
	if err := e.waitReady(ctx, adminFile); err != nil {
		e.Stop()
		return e, err
	}
	return e, nil
}

// startLimit is generous: compiling the module takes seconds, and more on a
// machine that is busy.
const startLimit = 90 * time.Second

func (e *Envoy) waitReady(ctx context.Context, adminFile string) error {
	return e.poll(ctx, startLimit, "ready", func() bool {
		address, err := os.ReadFile(adminFile)
		if err != nil || len(address) == 0 {
			return false
		}
		e.Admin = "http://" + strings.TrimSpace(string(address))
		body, err := e.Get("/ready")
		return err == nil && strings.HasPrefix(body, "LIVE")
	})
}

// poll asks again and again until ok, and gives up when Envoy ends or time is up.
func (e *Envoy) poll(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	deadline := time.After(limit)
	for !ok() {
		select {
		case <-e.done:
			return fmt.Errorf("%w (%v) before it was %s", ErrEnvoyExited, e.err, what)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("envoy was not %s within %s", what, limit)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Get asks the admin interface and returns the body of a 200 answer.
func (e *Envoy) Get(path string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(e.Admin + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("admin %s: %s", path, response.Status)
	}
	return string(body), err
}

// Log is what Envoy and the filter logged so far.
func (e *Envoy) Log() string { return e.log.String() }

// AccessLog is the access log so far, as text. [Envoy.Access] reads its lines.
func (e *Envoy) AccessLog() string { return e.access.String() }

// ResidentMemory is how many bytes of memory the process holds.
func (e *Envoy) ResidentMemory() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", e.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var size, resident int
	if _, err := fmt.Sscan(string(status), &size, &resident); err != nil {
		return 0, err
	}
	return resident * os.Getpagesize(), nil
}

// PID is the process that runs or ran.
func (e *Envoy) PID() int { return e.cmd.Process.Pid }

// Stop ends Envoy, the soft way first.
func (e *Envoy) Stop() {
	if e.cmd == nil || e.cmd.Process == nil {
		return
	}
	e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-time.After(10 * time.Second):
		e.cmd.Process.Kill()
		<-e.done
	}
}

// Exited is closed when the process has ended.
func (e *Envoy) Exited() <-chan struct{} { return e.done }

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
