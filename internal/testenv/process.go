// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// Process is a program that runs beside this one, until it ends by itself or by
// a signal. No context ends it, so that the caller decides in which order processes
// end.
type Process struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error
}

// StartProcess starts a program with all of its output in one place, and with
// env on top of the environment of this process.
func StartProcess(ctx context.Context, output io.Writer, env []string, path string, args ...string) (*Process, error) {
	command := exec.CommandContext(context.WithoutCancel(ctx), path, args...) //nolint:gosec // the programs of this repository and of the control plane
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), env...)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	p := &Process{command: command, ended: make(chan struct{})}
	go func() {
		p.err = command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Signal sends a signal. If the process has ended, it does nothing.
func (p *Process) Signal(signal os.Signal) { _ = p.command.Process.Signal(signal) }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits until the process has ended, and returns how.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}

// FreeAddress finds an address on this machine that nobody listens on.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// Serve serves on a free address until the context ends, and returns its URL.
func Serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: handler}
	go func() { _ = server.Serve(listener) }()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return "http://" + listener.Addr().String(), nil
}

// Balance does what the Service does in a cluster: it spreads callbacks over the
// replicas, whether or not they are there, and returns its URL.
func Balance(ctx context.Context, replicas []*url.URL) (string, error) {
	var turn atomic.Uint64
	return Serve(ctx, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(replicas[turn.Add(1)%uint64(len(replicas))])
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
}

// Ready waits until a URL answers 200, for a minute at most.
func Ready(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer", target)
		case <-ticker.C:
		}
	}
}
