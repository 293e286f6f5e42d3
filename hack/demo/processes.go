// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	apiKey     = "demo-api-key"
	webhookKey = "demo-webhook-hmac-key"
	// simulatedCredits is the balance at the beginning.
	simulatedCredits = 10000
)

// process is a program that runs beside the demo.
type process struct {
	command *exec.Cmd
	ended   chan error
}

// start starts a program of bin/ with its output in a file.
func (d *demo) start(ctx context.Context, name, program string, env []string, args ...string) error {
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err
	}
	path := filepath.Join(testenv.Root(), "bin", program)
	// An interrupt reaches stop, which ends the programs in their order: no context does it for them.
	command := exec.CommandContext(context.WithoutCancel(ctx), path, args...) //nolint:gosec // a program of this repository
	command.Stdout, command.Stderr = log, log
	command.Env = append(os.Environ(), env...)
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w (make build builds it)", name, err)
	}
	fmt.Printf("    %s, process %d\n", name, command.Process.Pid)
	p := &process{command: command, ended: make(chan error, 1)}
	go func() { p.ended <- errors.Join(command.Wait(), log.Close()) }()
	d.processes = append(d.processes, p)
	return nil
}

// stop ends everything, the last first.
func (d *demo) stop() error {
	var failures []error
	for i := len(d.processes) - 1; i >= 0; i-- {
		p := d.processes[i]
		_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		failures = append(failures, <-p.ended)
	}
	if d.env != nil {
		failures = append(failures, d.env.Stop())
	}
	return errors.Join(failures...)
}

func (d *demo) startControlPlane(context.Context) error {
	env, err := testenv.Start()
	if err != nil {
		return err
	}
	d.env = env
	d.kubeconfig = filepath.Join(d.dir, "kubeconfig")
	fmt.Println("    API server at " + env.Config.Host)
	return testenv.WriteKubeconfig(d.kubeconfig, env.Config)
}

func (d *demo) startSimulator(ctx context.Context, latency time.Duration) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	d.simulator = "http://" + address
	keys := []string{"KIE_SIM_API_KEY=" + apiKey, "KIE_SIM_WEBHOOK_HMAC_KEY=" + webhookKey}
	if err := d.start(ctx, "simulator", "kie-simulator", keys, "--bind-address", address, "--latency", latency.String(), "--credits", strconv.Itoa(simulatedCredits)); err != nil {
		return err
	}
	return ready(ctx, d.simulator+"/healthz")
}

// startOperators starts two replicas, one of which leads, with the rights that
// config/rbac gives to the operator, behind one address for callbacks.
func (d *demo) startOperators(ctx context.Context) error {
	operator, err := testenv.Operator(ctx, d.env.Config, d.kubeconfig)
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(d.dir, "operator.kubeconfig")
	if err := testenv.WriteKubeconfig(kubeconfig, operator); err != nil {
		return err
	}
	var callbacks []*url.URL
	for range 2 {
		address, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		callbacks = append(callbacks, &url.URL{Scheme: "http", Host: address})
	}
	service, err := balance(ctx, callbacks)
	if err != nil {
		return err
	}
	for i, callback := range callbacks {
		probes, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		if err := d.start(ctx, fmt.Sprintf("operator-%d", i+1), "manager", nil,
			"--kubeconfig", kubeconfig,
			"--leader-elect",
			"--callback-bind-address", callback.Host,
			"--callback-base-url", service,
			"--health-probe-bind-address", probes,
			"--file-storage-root", d.videosFolder(),
			"--allow-private-networks",
		); err != nil {
			return err
		}
		if err := ready(ctx, "http://"+probes+"/readyz"); err != nil {
			return fmt.Errorf("replica %d of the operator does not become ready: %w", i+1, err)
		}
	}
	return nil
}

// balance stands for the Service: it spreads callbacks over the replicas.
func balance(ctx context.Context, replicas []*url.URL) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	var turn atomic.Uint64
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(replicas[turn.Add(1)%uint64(len(replicas))])
	}}}
	go func() { _ = server.Serve(listener) }()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return "http://" + listener.Addr().String(), nil
}

// freeAddress finds an address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// ready waits until a URL answers 200.
func ready(ctx context.Context, target string) error {
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
