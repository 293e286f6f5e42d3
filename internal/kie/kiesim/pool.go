// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"sync"
)

// pool runs a bounded number of functions at a time.
type pool struct {
	slots   chan struct{}
	running sync.WaitGroup
}

func newPool(size int) *pool {
	return &pool{slots: make(chan struct{}, size)}
}

// reserve waits for a free slot. It reports false if the context ended first.
// Every reservation is used by run or given back by release.
func (p *pool) reserve(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case p.slots <- struct{}{}:
		return true
	}
}

// release gives a reserved slot back.
func (p *pool) release() { <-p.slots }

// run calls the function in a reserved slot and gives the slot back.
func (p *pool) run(function func()) {
	p.running.Go(func() {
		defer p.release()
		function()
	})
}

// wait returns when every function has returned.
func (p *pool) wait() { p.running.Wait() }
