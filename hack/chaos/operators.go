// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	// recoveryWindow is how long the operator waits for the callback of a purchase whose answer is lost. It is
	// longer than the simulator takes for a task and all tries of its callback.
	recoveryWindow = 2 * time.Minute
	// restartAfter is how long a process that has ended is away.
	restartAfter = time.Second
	// leaseDuration is that of controller-runtime.
	leaseDuration = 15 * time.Second
)

// replica is one place where the operator runs. Whenever its process ends, it is
// started again.
type replica struct {
	name      string
	path      string
	args      []string
	callbacks *url.URL
	proxy     *proxy
	log       *os.File

	mu      sync.Mutex
	current *incarnation

	endedByItself atomic.Int64
}

// incarnation is one process of a replica.
type incarnation struct {
	*testenv.Process
	leads  atomic.Bool
	killed atomic.Bool
}

// startReplicas starts two replicas with the rights that config/rbac gives to
// the operator, each of which reaches the API server by a way of its own. The
// returned function ends them.
func startReplicas(ctx context.Context, c *cluster, dir string) ([]*replica, func(), error) {
	identity, err := testenv.Operator(ctx, c.admin, c.kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	replicas := make([]*replica, 2)
	var callbacks []*url.URL
	for i := range replicas {
		if replicas[i], err = newReplica(ctx, c, dir, fmt.Sprintf("operator-%d", i+1), identity); err != nil {
			return nil, nil, err
		}
		callbacks = append(callbacks, replicas[i].callbacks)
	}
	service, err := testenv.Balance(ctx, callbacks)
	if err != nil {
		return nil, nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for _, r := range replicas {
		r.args = append(r.args, "--callback-base-url", service)
		all.Go(func() { r.run(running) })
	}
	return replicas, func() {
		stop()
		all.Wait()
	}, nil
}

func newReplica(ctx context.Context, c *cluster, dir, name string, identity *rest.Config) (*replica, error) {
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
	callbacks, err := testenv.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	return &replica{
		name:      name,
		path:      filepath.Join(testenv.Root(), "bin", "manager"),
		callbacks: &url.URL{Scheme: "http", Host: callbacks},
		proxy:     way,
		log:       log,
		args: []string{
			"--kubeconfig", kubeconfig, "--leader-elect", "--callback-bind-address", callbacks, "--health-probe-bind-address", "0",
			"--allow-private-networks", "--submission-recovery-window", recoveryWindow.String(),
		},
	}, nil
}

// run keeps a process running until the context ends.
func (r *replica) run(ctx context.Context) {
	for ctx.Err() == nil {
		life := &incarnation{}
		process, err := testenv.StartProcess(ctx, &leaderWatch{life: life, log: r.log}, nil, r.path, r.args...)
		if err != nil {
			fmt.Fprintln(r.log, err)
			return
		}
		life.Process = process
		r.mu.Lock()
		r.current = life
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			life.Signal(syscall.SIGCONT)
			life.Signal(syscall.SIGTERM)
			_ = life.Wait()
			return
		case <-life.Ended():
		}
		if !life.killed.Load() {
			r.endedByItself.Add(1)
		}
		pause(ctx, restartAfter)
	}
}

// now returns the process that runs, or ran last; nil before the first.
func (r *replica) now() *incarnation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// alive reports whether there is a process.
func (i *incarnation) alive() bool {
	if i == nil {
		return false
	}
	select {
	case <-i.Ended():
		return false
	default:
		return true
	}
}

// kill ends the process without letting it do anything more, and reports whether
// there was one.
func (r *replica) kill() bool {
	life := r.now()
	if !life.alive() {
		return false
	}
	life.killed.Store(true)
	life.Signal(syscall.SIGKILL)
	<-life.Ended()
	return true
}

// leaderOf returns the replica that leads and the other one; nil if none leads.
func leaderOf(replicas []*replica) (leader, other *replica) {
	for i, r := range replicas {
		if life := r.now(); life.alive() && life.leads.Load() {
			return r, replicas[1-i]
		}
	}
	return nil, nil
}

// startOfWork is what a process logs when it begins to lead.
const startOfWork = "Starting workers"

// leaderWatch is the log of a process, which tells when it begins to lead.
type leaderWatch struct {
	life *incarnation
	log  *os.File
	tail []byte
}

// Write implements io.Writer.
func (w *leaderWatch) Write(p []byte) (int, error) {
	if !w.life.leads.Load() {
		w.tail = append(w.tail, p...)
		if bytes.Contains(w.tail, []byte(startOfWork)) {
			w.life.leads.Store(true)
		}
		w.tail = w.tail[max(0, len(w.tail)-len(startOfWork)):]
	}
	return w.log.Write(p)
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
