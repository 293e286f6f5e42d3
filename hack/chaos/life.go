// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// end is how a process has ended.
type end string

const (
	running   end = "running"
	byKill    end = "kill -9"
	bySIGTERM end = "SIGTERM"
	byItself  end = "by itself"
)

// process is one process of the operator: its address, and how it lives and ends.
type process struct {
	*testenv.Process
	// name is what the API server writes down as the manager of the fields that it has written.
	name string
	// callbacks is where it takes callbacks, probes where it says whether it is ready.
	callbacks *url.URL
	probes    string
	leads     atomic.Bool
	log       *os.File

	mu      sync.Mutex
	record  lifeRecord
	signal  end // the last one that it was sent to end
	stopped bool
}

// lifeRecord is what is known of a process afterwards.
type lifeRecord struct {
	name, replica string
	began, ended  time.Time
	how           end
	// stopped says that it was held by SIGSTOP for a while.
	stopped bool
}

// alive reports whether the process runs.
func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.Ended():
		return false
	default:
		return true
	}
}

// kill ends the process without letting it do anything more, and reports whether
// it was running.
func (p *process) kill() bool {
	if !p.alive() {
		return false
	}
	p.note(byKill)
	p.Signal(syscall.SIGKILL)
	<-p.Ended()
	return true
}

// terminate asks the process to end, and kills it if it has not after the grace
// period. It returns an error then.
func (p *process) terminate(grace time.Duration) error {
	if !p.alive() {
		return nil
	}
	p.note(bySIGTERM)
	p.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.Ended():
		return nil
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s has not ended within %v of SIGTERM", p.name, grace)
	}
}

// note notes the signal that is about to be sent.
func (p *process) note(signal end) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal = signal
}

// hold stops the process with SIGSTOP until the returned function is called.
func (p *process) hold() (release func()) {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.Signal(syscall.SIGSTOP)
	return func() { p.Signal(syscall.SIGCONT) }
}

// recorded returns what is known of the process now.
func (p *process) recorded() lifeRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.record
	r.stopped, r.how = p.stopped, running
	if !r.ended.IsZero() {
		if r.how = p.signal; r.how == "" {
			r.how = byItself
		}
	}
	return r
}

// follow notes when the process ends.
func (p *process) follow() {
	<-p.Ended()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record.ended = time.Now()
	_ = p.log.Close() // all is written
}

// startOfWork is what a process logs when it begins to lead.
const startOfWork = "Starting workers"

// leaderWatch is the log of a process, which tells when it begins to lead.
type leaderWatch struct {
	process *process
	tail    []byte
}

// Write implements io.Writer.
func (w *leaderWatch) Write(p []byte) (int, error) {
	if !w.process.leads.Load() {
		w.tail = append(w.tail, p...)
		if bytes.Contains(w.tail, []byte(startOfWork)) {
			w.process.leads.Store(true)
		}
		w.tail = w.tail[max(0, len(w.tail)-len(startOfWork)):]
	}
	return w.process.log.Write(p)
}
