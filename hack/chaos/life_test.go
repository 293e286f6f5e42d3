// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// startLife starts a shell as if it were a manager.
func startLife(t *testing.T, script string) (p *process, recorded chan struct{}) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	p = &process{name: "operator-1.1", log: log, record: lifeRecord{name: "operator-1.1"}}
	if p.Process, err = testenv.StartProcess(t.Context(), &leaderWatch{process: p}, nil, "/bin/sh", "-c", script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	recorded = make(chan struct{})
	go func() {
		p.follow()
		close(recorded)
	}()
	return p, recorded
}

func TestHowAProcessHasEnded(t *testing.T) {
	const waits = "exec sleep 1000"
	for _, tt := range []struct {
		script string
		end    func(*process) error
		want   end
		failed bool
	}{
		{waits, func(p *process) error { p.kill(); return nil }, byKill, false},
		{waits, func(p *process) error { return p.terminate(time.Hour) }, bySIGTERM, false},
		{"trap '' TERM; echo " + startOfWork + "; while true; do sleep 1; done", func(p *process) error {
			if err := eventually(t.Context(), time.Minute, "it takes no SIGTERM any more", func(context.Context) bool { return p.leads.Load() }); err != nil {
				return err
			}
			return p.terminate(time.Millisecond)
		}, byKill, true},
		{"exit 1", func(p *process) error { return p.Wait() }, byItself, true},
	} {
		p, recorded := startLife(t, tt.script)
		if got := p.recorded().how; got != running && tt.want != byItself {
			t.Errorf("%q has ended by %q before its end", tt.script, got)
		}
		if err := tt.end(p); (err != nil) != tt.failed {
			t.Errorf("%q ends with %v", tt.script, err)
		}
		<-recorded
		if got := p.recorded(); got.how != tt.want || got.ended.IsZero() || p.alive() {
			t.Errorf("%q has ended by %q at %v, want %q", tt.script, got.how, got.ended, tt.want)
		}
		if p.kill() {
			t.Errorf("%q was killed after its end", tt.script)
		}
	}
}

func TestAProcessLeadsWhenItSaysSo(t *testing.T) {
	p := &process{}
	var err error
	if p.log, err = os.Create(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatal(err)
	}
	w := &leaderWatch{process: p}
	for i, part := range []string{"Starting Controller\nStart", "ing wor", "kers\n"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if want := i == 2; p.leads.Load() != want {
			t.Errorf("after part %d it leads: %v, want %v", i+1, p.leads.Load(), want)
		}
	}
}
