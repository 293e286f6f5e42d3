// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	// restartAfter is how long a process that has ended is away.
	restartAfter = time.Second
	// gracePeriod is that of the pod in config/manager.
	gracePeriod = time.Minute
	// surgeTimeout is how long a new process may take until it is ready.
	surgeTimeout = 90 * time.Second
)

// replica is one place where the operator runs. Whenever its process ends, it is
// started again; replace puts another one in its place.
type replica struct {
	name, dir string
	// programs is the folder in which the program has another name for each process.
	programs string
	args     []string
	proxy    *proxy
	service  *service

	// replacing is held while one process takes the place of another.
	replacing sync.Mutex

	mu      sync.Mutex
	current *process
	all     []*process
}

// begin starts the first process.
func (r *replica) begin(ctx context.Context) error {
	p, err := r.start(ctx, nil)
	if err != nil {
		return err
	}
	r.service.add(p.callbacks)
	r.set(p)
	return nil
}

// keepRunning starts the process again whenever it has ended, where it was, until
// the context ends.
func (r *replica) keepRunning(ctx context.Context) {
	for ctx.Err() == nil {
		p := r.now()
		select {
		case <-ctx.Done():
		case <-p.Ended():
			r.startAgain(ctx, p)
		}
	}
	r.replacing.Lock()
	defer r.replacing.Unlock()
	r.now().Signal(syscall.SIGCONT)
	_ = r.now().terminate(gracePeriod) // what it has logged is read, and how long it took does not matter any more
}

// startAgain starts a process in the place of one that has ended, if no other one
// is there.
func (r *replica) startAgain(ctx context.Context, ended *process) {
	r.replacing.Lock()
	defer r.replacing.Unlock()
	if r.now() != ended {
		return
	}
	pause(ctx, restartAfter)
	if ctx.Err() != nil {
		return
	}
	if p, err := r.start(ctx, ended); err == nil {
		r.set(p)
	}
}

// start starts a process: at new addresses, or where another one was.
func (r *replica) start(ctx context.Context, before *process) (*process, error) {
	p := &process{}
	if before != nil {
		p.callbacks, p.probes = before.callbacks, before.probes
	} else {
		for _, address := range []func(string){
			func(a string) { p.callbacks = &url.URL{Scheme: "http", Host: a} },
			func(a string) { p.probes = a },
		} {
			free, err := testenv.FreeAddress(ctx)
			if err != nil {
				return nil, err
			}
			address(free)
		}
	}
	r.enlist(p)
	// The name of the program is the first word of its user agent, and so the name of what it writes in managedFields.
	program := filepath.Join(r.programs, p.name)
	if err := os.Symlink(filepath.Join(testenv.Root(), "bin", "manager"), program); err != nil {
		return nil, err
	}
	var err error
	if p.log, err = os.Create(filepath.Join(r.dir, p.name+".log")); err != nil {
		return nil, err
	}
	args := append([]string{"--callback-bind-address", p.callbacks.Host, "--health-probe-bind-address", p.probes}, r.args...)
	if p.Process, err = testenv.StartProcess(ctx, &leaderWatch{process: p}, nil, program, args...); err != nil {
		return nil, err
	}
	go p.follow()
	return p, nil
}

// enlist gives a process that is about to start its name, and remembers it.
func (r *replica) enlist(p *process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.name = fmt.Sprintf("%s.%d", r.name, len(r.all)+1)
	p.record = lifeRecord{name: p.name, replica: r.name, began: time.Now()}
	r.all = append(r.all, p)
}

// replace does what a Deployment does: it starts another process, waits until that
// one is ready, takes callbacks away from the old one, and then ends it by SIGTERM.
// It returns an error if the old one has not ended in time, and false if there was
// no new one.
func (r *replica) replace(ctx context.Context) (bool, error) {
	r.replacing.Lock()
	defer r.replacing.Unlock()
	fresh, err := r.surge(ctx)
	if err != nil {
		return false, nil // with the API server away there is no new one, and the old one stays
	}
	old := r.now()
	r.service.add(fresh.callbacks)
	r.set(fresh)
	r.service.remove(old.callbacks)
	asked := old.alive()
	return asked, old.terminate(gracePeriod)
}

// surge starts a process and waits until it is ready. One that ends before is
// started again.
func (r *replica) surge(ctx context.Context) (*process, error) {
	fresh, err := r.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	err = eventually(ctx, surgeTimeout, fresh.name+" is ready", func(ctx context.Context) bool {
		if !fresh.alive() {
			pause(ctx, restartAfter)
			if again, err := r.start(ctx, fresh); err == nil {
				fresh = again
			}
		}
		return fresh.ready(ctx)
	})
	if err != nil {
		fresh.kill()
		return nil, err
	}
	return fresh, nil
}

// ready asks the process what a kubelet asks it.
func (p *process) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.probes+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// now returns the process that runs, or the one that ran last.
func (r *replica) now() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

func (r *replica) set(p *process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current = p
}

// everybody returns all processes there were.
func (r *replica) everybody() []*process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*process(nil), r.all...)
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
