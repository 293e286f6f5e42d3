// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/watch"
)

// How soon a reconciler looks again that returned an error: twice as long after
// each one in a row.
const (
	failedLookAgain    = time.Second
	maxFailedLookAgain = 1000 * time.Second
)

// queue stands for the workqueue of a reconciler. It holds what the handlers of
// its watches and its own results put into it, and nothing else is looked at.
type queue struct {
	// The handlers need no more of the interface than is here.
	priorityqueue.PriorityQueue[ctrl.Request]

	reconciler reconcile.Reconciler
	watches    []watch.Watch
	clock      clock.PassiveClock

	mu sync.Mutex
	// next is when each is to be looked at.
	next map[types.NamespacedName]time.Time
	// failed is how often in a row a look has failed.
	failed map[types.NamespacedName]int
}

func newQueue(clk clock.PassiveClock, reconciler reconcile.Reconciler, watches []watch.Watch) *queue {
	return &queue{reconciler: reconciler, watches: watches, clock: clk, next: map[types.NamespacedName]time.Time{}, failed: map[types.NamespacedName]int{}}
}

var _ workqueue.TypedRateLimitingInterface[ctrl.Request] = &queue{}

func (q *queue) Add(item ctrl.Request) { q.AddAfter(item, 0) }

func (q *queue) AddRateLimited(item ctrl.Request) {
	q.mu.Lock()
	after := maxFailedLookAgain
	if n := q.failed[item.NamespacedName]; n < 10 {
		after = min(failedLookAgain<<n, maxFailedLookAgain)
	}
	q.failed[item.NamespacedName]++
	q.mu.Unlock()
	q.AddAfter(item, after)
}

func (q *queue) Forget(item ctrl.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.failed, item.NamespacedName)
}

func (q *queue) AddWithOpts(o priorityqueue.AddOpts, items ...ctrl.Request) {
	for _, item := range items {
		q.AddAfter(item, o.After)
	}
}

// AddAfter asks for a look after some time. Of two times the earlier one holds.
func (q *queue) AddAfter(item ctrl.Request, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := q.clock.Now().Add(after)
	if have, ok := q.next[item.NamespacedName]; !ok || at.Before(have) {
		q.next[item.NamespacedName] = at
	}
}

// due lists what is to be looked at now, by name.
func (q *queue) due() (names []types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	for name, at := range q.next {
		if !at.After(now) {
			names = append(names, name)
		}
	}
	return inOrder(names)
}

// take removes what is to be looked at now, and reports whether it was.
func (q *queue) take(name types.NamespacedName) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, ok := q.next[name]
	if !ok || at.After(q.clock.Now()) {
		return false
	}
	delete(q.next, name)
	return true
}

// soonest is when the next look is due.
func (q *queue) soonest() (next time.Time, some bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, at := range q.next {
		if !some || at.Before(next) {
			next, some = at, true
		}
	}
	return next, some
}

// inOrder sorts names, which have no order in a map or a cache.
func inOrder(names []types.NamespacedName) []types.NamespacedName {
	slices.SortFunc(names, func(a, b types.NamespacedName) int { return compareText(a.String(), b.String()) })
	return slices.Compact(names)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// observed are the objects as the handlers of a process last saw them.
type observed map[string]client.Object

// notify tells the handlers of the process what has changed since they last saw
// it, as informers do. Changes that came together are one.
func (w *world) notify() {
	w.t.Helper()
	if w.unseen > 0 {
		return
	}
	p := w.proc
	now := w.cached()
	initial := p.observed == nil
	if initial {
		p.observed = observed{}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		is := now[key]
		switch was := p.observed[key]; {
		case was == nil:
			w.tell(p, event.CreateEvent{Object: is, IsInInitialList: initial})
		case was.GetUID() != is.GetUID():
			w.gone(p, was)
			w.tell(p, event.CreateEvent{Object: is})
		case was.GetResourceVersion() != is.GetResourceVersion():
			w.tell(p, event.UpdateEvent{ObjectOld: was, ObjectNew: is})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.observed)) {
		if now[key] == nil {
			w.gone(p, p.observed[key])
		}
	}
	p.observed = now
}

// gone tells the handlers that an object was deleted, which they learn together
// with the last version of it.
func (w *world) gone(p *process, was client.Object) {
	w.t.Helper()
	last := was
	if history := w.written.historyOf(was); len(history) > 0 {
		last = history[len(history)-1]
	}
	if last.GetResourceVersion() != was.GetResourceVersion() {
		w.tell(p, event.UpdateEvent{ObjectOld: was, ObjectNew: last})
	}
	w.tell(p, event.DeleteEvent{Object: last})
}

// tell hands an event to the handlers of the kind, if their predicates let it pass.
func (w *world) tell(p *process, what any) {
	w.t.Helper()
	for _, q := range p.queues() {
		for _, wt := range q.watches {
			w.tellWatch(wt, q, what)
		}
	}
}

func (w *world) tellWatch(wt watch.Watch, q *queue, what any) {
	ctx, passes := w.t.Context(), predicate.And(wt.Predicates...)
	switch e := what.(type) {
	case event.CreateEvent:
		if sameKind(wt.Of, e.Object) && passes.Create(e) {
			wt.Handler.Create(ctx, e, q)
		}
	case event.UpdateEvent:
		if sameKind(wt.Of, e.ObjectNew) && passes.Update(e) {
			wt.Handler.Update(ctx, e, q)
		}
	case event.DeleteEvent:
		if sameKind(wt.Of, e.Object) && passes.Delete(e) {
			wt.Handler.Delete(ctx, e, q)
		}
	default:
		w.t.Fatalf("an event of type %T", what)
	}
}

// sameKind reports whether two objects are of one kind.
func sameKind(a, b client.Object) bool {
	switch a.(type) {
	case *v1alpha1.VideoGeneration:
		_, same := b.(*v1alpha1.VideoGeneration)
		return same
	default:
		_, same := b.(*v1alpha1.KieAccount)
		return same
	}
}

// cached lists what the cache has, by the keys of versions.
func (w *world) cached() observed {
	w.t.Helper()
	objects := observed{}
	var videos v1alpha1.VideoGenerationList
	w.must(w.cache.List(w.t.Context(), &videos, client.InNamespace(w.namespace)))
	for i := range videos.Items {
		objects[keyOf(&videos.Items[i])] = &videos.Items[i]
	}
	var accounts v1alpha1.KieAccountList
	w.must(w.cache.List(w.t.Context(), &accounts, client.InNamespace(w.namespace)))
	for i := range accounts.Items {
		objects[keyOf(&accounts.Items[i])] = &accounts.Items[i]
	}
	return objects
}

// look looks at what is in a queue and due, and reports whether it did.
func (w *world) look(q *queue, name types.NamespacedName) bool {
	w.t.Helper()
	if !q.take(name) {
		return false
	}
	w.reconcileWith(q, name)
	return true
}

// reconcileWith looks at a resource, whether or not it is in the queue.
func (w *world) reconcileWith(q *queue, name types.NamespacedName) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	w.stop = stop
	crashed := false
	func() {
		defer func() {
			switch p := recover(); {
			case p == nil:
			case p == errCrash: //nolint:errorlint // it is panicked with as it is
				crashed = true
			case strings.HasPrefix(fmt.Sprintf("%T", p), "rapid."): // a step of a story that has failed
				panic(p)
			default:
				w.t.Fatalf("the reconcile of %s panics: %v\n%s", name.Name, p, ownLines(debug.Stack()))
			}
		}()
		request := ctrl.Request{NamespacedName: name}
		result, err := q.reconciler.Reconcile(ctx, request)
		switch {
		case err != nil:
			w.t.Logf("reconcile %s: %v", name.Name, err)
			q.AddRateLimited(request)
		case result.RequeueAfter > 0:
			q.Forget(request)
			q.AddAfter(request, result.RequeueAfter)
		default:
			q.Forget(request)
		}
	}()
	w.collectEvents()
	if crashed || w.dead.Load() || w.stopping.Load() {
		w.restart()
		w.restarted = true
	}
}

// ownLines are those of a stack that are of the operator itself.
func ownLines(stack []byte) string {
	var own []string
	for line := range strings.Lines(string(stack)) {
		if strings.Contains(line, ".go:") && !strings.Contains(line, "_test.go:") && !strings.Contains(line, "/src/") {
			own = append(own, strings.TrimSpace(line))
		}
	}
	return strings.Join(own, "\n")
}
