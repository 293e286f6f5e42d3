// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

const (
	// creators is how many VideoGenerations are created at a time.
	creators = 16
	// requestTimeout bounds one request of the load to the API server.
	requestTimeout = 10 * time.Second
	// notFoundFor is for how long an API server that has just started may answer 404 for what exists.
	notFoundFor = 2 * time.Minute
)

// load applies VideoGenerations, and does to some of them what their users do
// later. Whatever fails is tried again until it is done.
type load struct {
	users client.Client
	views *watcher
	plan  plan

	// pending counts what users still have to do.
	pending atomic.Int64

	mu     sync.Mutex
	made   []video
	gone   map[types.NamespacedName]bool // deleted, or about to be
	again  map[types.NamespacedName]int  // how often it was asked for another purchase
	failed []error
	// applying is how long it took to create them.
	applying time.Duration
}

func newLoad(users client.Client, views *watcher, p plan) *load {
	return &load{users: users, views: views, plan: p, gone: map[types.NamespacedName]bool{}, again: map[types.NamespacedName]int{}}
}

// run applies the given number in a second for a while. It catches up with what
// an outage of the API server has kept it from. When it returns, all are created;
// what is done to them later may go on, and is what pending counts.
func (l *load) run(ctx context.Context, perSecond float64, duration time.Duration) error {
	numbers := make(chan int, int(perSecond*duration.Seconds())+1)
	var all sync.WaitGroup
	for range creators {
		all.Go(func() {
			for number := range numbers {
				v := l.plan.video(number)
				if v.kind == borrower {
					l.later(ctx, func(ctx context.Context) { l.borrow(ctx, v) })
					continue
				}
				l.create(ctx, v)
			}
		})
	}
	begin := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for next := 0; time.Since(begin) < duration && ctx.Err() == nil; <-ticker.C {
		for ; float64(next) < perSecond*time.Since(begin).Seconds(); next++ {
			select {
			case numbers <- next:
			default: // the last moment
			}
		}
	}
	close(numbers)
	all.Wait()
	l.applying = time.Since(begin)
	return ctx.Err()
}

// later does something in a goroutine beside the load.
func (l *load) later(ctx context.Context, do func(context.Context)) {
	l.pending.Add(1)
	go func() {
		defer l.pending.Add(-1)
		do(ctx)
	}()
}

// failures are the requests that could not be made.
func (l *load) failures() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failed...)
}

// count returns how many are created.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.made)
}

func (l *load) create(ctx context.Context, v video) {
	ok := l.insist(ctx, "creating "+v.name.String(), func(ctx context.Context) error {
		err := l.users.Create(ctx, v.resource())
		if apierrors.IsAlreadyExists(err) {
			return nil // an earlier try has arrived after all
		}
		return err
	})
	if !ok {
		return
	}
	l.mu.Lock()
	l.made = append(l.made, v)
	l.mu.Unlock()
	l.later(ctx, func(ctx context.Context) { l.doLater(ctx, v) })
}

func bare(name types.NamespacedName) *v1alpha1.VideoGeneration {
	return &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
}

// insist does something until it succeeds, and reports whether it did. An invalid
// request is not made again, and neither is one about an object that stays unknown.
func (l *load) insist(ctx context.Context, what string, do func(context.Context) error) bool {
	for begin := time.Now(); ; pause(ctx, 500*time.Millisecond) {
		trying, cancel := context.WithTimeout(ctx, requestTimeout)
		err := do(trying)
		cancel()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsNotFound(err) && time.Since(begin) > notFoundFor:
			l.fail(fmt.Errorf("%s: %w", what, err))
			return false
		}
	}
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, err)
}
