// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	// recoveryWindow is how long the operator waits for the callback of a purchase whose answer is lost. It is
	// longer than the simulator takes for a task and all tries of its callback.
	recoveryWindow = 2 * time.Minute
	// leaseDuration is that of controller-runtime.
	leaseDuration = 15 * time.Second
)

// fleet is the two replicas of the operator and the Service before them.
type fleet struct {
	replicas []*replica
	service  *service
}

// startFleet starts two replicas with the rights that config/rbac gives to the
// operator, each of which reaches the API server by a way of its own. The
// returned function ends them.
func startFleet(ctx context.Context, c *cluster, dir, storageRoot string) (*fleet, func(), error) {
	identity, err := testenv.Operator(ctx, c.admin, c.kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	f := &fleet{service: &service{}}
	url, err := f.service.serve(ctx)
	if err != nil {
		return nil, nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	end := func() {
		stop()
		all.Wait()
	}
	for i := range 2 {
		r, err := newReplica(ctx, c, dir, fmt.Sprintf("operator-%d", i+1), identity, f.service)
		if err != nil {
			end()
			return nil, nil, err
		}
		r.args = append(r.args, "--callback-base-url", url, "--file-storage-root", storageRoot)
		if err := r.begin(ctx); err != nil {
			end()
			return nil, nil, err
		}
		f.replicas = append(f.replicas, r)
		all.Go(func() { r.keepRunning(running) })
	}
	return f, end, nil
}

func newReplica(ctx context.Context, c *cluster, dir, name string, identity *rest.Config, s *service) (*replica, error) {
	way, err := newProxy(ctx, c.address)
	if err != nil {
		return nil, err
	}
	cfg := rest.CopyConfig(identity)
	cfg.Host = "https://" + way.address()
	kubeconfig := filepath.Join(dir, name+".kubeconfig")
	if err := testenv.WriteKubeconfig(kubeconfig, cfg); err != nil {
		return nil, err
	}
	programs := filepath.Join(dir, "programs")
	if err := os.MkdirAll(programs, 0o700); err != nil {
		return nil, err
	}
	return &replica{
		name: name, dir: dir, programs: programs, proxy: way, service: s,
		args: []string{
			"--kubeconfig", kubeconfig, "--leader-elect", "--allow-private-networks",
			"--submission-recovery-window", recoveryWindow.String(),
		},
	}, nil
}

// leader returns the replica that leads and the other one; nil if none leads.
func (f *fleet) leader() (leader, other *replica) {
	for i, r := range f.replicas {
		if p := r.now(); p.alive() && p.leads.Load() {
			return r, f.replicas[1-i]
		}
	}
	return nil, nil
}

// lives returns what is known of all processes there were.
func (f *fleet) lives() (lives []lifeRecord) {
	for _, r := range f.replicas {
		for _, p := range r.everybody() {
			lives = append(lives, p.recorded())
		}
	}
	return lives
}
