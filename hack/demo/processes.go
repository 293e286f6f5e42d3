// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
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

// process is a program that runs beside the demo, and the file that it writes to.
type process struct {
	*testenv.Process
	log *os.File
}

// start starts a program of bin/ with its output in a file.
func (d *demo) start(ctx context.Context, name, program string, env []string, args ...string) error {
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err
	}
	started, err := testenv.StartProcess(ctx, log, env, filepath.Join(testenv.Root(), "bin", program), args...)
	if err != nil {
		return fmt.Errorf("%w (make build builds it)", err)
	}
	fmt.Printf("    %s, process %d\n", name, started.PID())
	d.processes = append(d.processes, process{started, log})
	return nil
}

// stop ends everything, the last first.
func (d *demo) stop() error {
	var failures []error
	for i := len(d.processes) - 1; i >= 0; i-- {
		p := d.processes[i]
		p.Signal(syscall.SIGTERM)
		failures = append(failures, p.Wait(), p.log.Close())
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
	address, err := testenv.FreeAddress(ctx)
	if err != nil {
		return err
	}
	d.simulator = "http://" + address
	keys := []string{"KIE_SIM_API_KEY=" + apiKey, "KIE_SIM_WEBHOOK_HMAC_KEY=" + webhookKey}
	if err := d.start(ctx, "simulator", "kie-simulator", keys, "--bind-address", address, "--latency", latency.String(), "--credits", strconv.Itoa(simulatedCredits)); err != nil {
		return err
	}
	return testenv.Ready(ctx, d.simulator+"/healthz")
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
		address, err := testenv.FreeAddress(ctx)
		if err != nil {
			return err
		}
		callbacks = append(callbacks, &url.URL{Scheme: "http", Host: address})
	}
	service, err := testenv.Balance(ctx, callbacks)
	if err != nil {
		return err
	}
	for i, callback := range callbacks {
		probes, err := testenv.FreeAddress(ctx)
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
		if err := testenv.Ready(ctx, "http://"+probes+"/readyz"); err != nil {
			return fmt.Errorf("replica %d of the operator does not become ready: %w", i+1, err)
		}
	}
	return nil
}
