// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// running starts Run in real time and stops it with the test.
func (f *fixture) running() {
	f.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	f.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			f.t.Errorf("Run returned %v", err)
		}
	})
}

func TestRunDeliversWhatComesLater(t *testing.T) {
	f := newFixture(t, Options{Latency: Immediately, CallbackBackoff: time.Millisecond, Now: time.Now})
	f.running()
	arrived := make(chan int)
	statuses := make(chan int, 4)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := <-statuses
		w.WriteHeader(status)
		arrived <- status
	}))
	defer hook.Close()
	f.accept(fields{"prompt": "[sim:callback=twice]", "callBackUrl": hook.URL})
	for _, want := range []int{500, 500, 200, 200} {
		statuses <- want
		if got := <-arrived; got != want {
			t.Errorf("answered %d, want %d", got, want)
		}
	}
}

func TestSlowReceiverHoldsNobodyBack(t *testing.T) {
	deliverers := map[string]func(*fixture){
		"Run":     (*fixture).running,
		"Deliver": func(f *fixture) { f.Deliver(f.t.Context()) },
	}
	for name, start := range deliverers {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{Latency: Immediately, Now: time.Now})
			quick := make(chan struct{})
			// The slow receiver answers only after the quick one was called.
			hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/quick" {
					close(quick)
				}
				<-quick
			}))
			t.Cleanup(hook.Close)
			f.accept(fields{"prompt": "a", "callBackUrl": hook.URL + "/slow"})
			f.accept(fields{"prompt": "a", "callBackUrl": hook.URL + "/quick"})
			start(f)
			<-quick
		})
	}
}

func TestRunEndsWhileAReceiverIsSlow(t *testing.T) {
	f := newFixture(t, Options{Latency: Immediately, Now: time.Now})
	ctx, stop := context.WithCancel(t.Context())
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stopAndWait(t, stop, r)
	}))
	defer hook.Close()
	f.accept(fields{"prompt": "a", "callBackUrl": hook.URL})
	if err := f.Run(ctx); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if _, waiting := f.NextEvent(); !waiting {
		t.Error("the interrupted callback is forgotten")
	}
}
