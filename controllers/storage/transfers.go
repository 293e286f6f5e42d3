// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// errUnwanted is the cause of ending a transfer whose video is not to be stored any
// more. A transfer that ends without it ends with the process, and the next process
// goes on.
var errUnwanted = errors.New("the video is not to be stored any more")

// Transfers are the resources whose videos are being stored at this moment.
// With it, whoever finds that a resource is deleted, or that its storage is taken
// away, can end that, and knows when it has ended.
type Transfers struct {
	mu      sync.Mutex
	running map[types.UID]context.CancelCauseFunc
}

// NewTransfers returns Transfers without any.
func NewTransfers() *Transfers { return &Transfers{running: map[types.UID]context.CancelCauseFunc{}} }

// begin notes that the videos of a resource are being stored. The caller calls
// end when they no longer are, and stops when the context ends.
func (t *Transfers) begin(ctx context.Context, uid types.UID) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running[uid] = cancel
	return ctx, func() {
		cancel(nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, uid)
	}
}

// Stop ends the storing of a resource's videos, and reports whether it has ended.
func (t *Transfers) Stop(uid types.UID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	cancel, running := t.running[uid]
	if running {
		cancel(errUnwanted)
	}
	return !running
}

// Running is how many resources have their videos stored.
func (t *Transfers) Running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.running)
}
