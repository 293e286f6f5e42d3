// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// watcher follows all VideoGenerations and KieAccounts. It notes what cannot be read
// any more at the end, and what must not happen.
type watcher struct {
	indexer toolscache.Indexer
	books   books

	mu          sync.Mutex
	regressions []string
	// writers are the processes that have written an attempt.
	writers map[string]string
	// departed are the resources that were deleted, as they were last.
	departed map[types.UID]*v1alpha1.VideoGeneration
	// turns is when the present reason of Ready of a resource was first seen.
	turns map[types.UID]turn
}

// turn is the reason of Ready of a resource, and when it was first seen.
type turn struct {
	reason string
	at     time.Time
}

func newWatcher() *watcher {
	return &watcher{
		writers: map[string]string{}, departed: map[types.UID]*v1alpha1.VideoGeneration{}, turns: map[types.UID]turn{},
	}
}

// startWatcher watches until the context ends.
func startWatcher(ctx context.Context, cfg *rest.Config) (*watcher, error) {
	w := newWatcher()
	views, err := cache.New(cfg, cache.Options{Scheme: testenv.Scheme(), DefaultTransform: w.readWriter})
	if err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	videos, err := views.GetInformer(ctx, &v1alpha1.VideoGeneration{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	w.indexer = videos.(toolscache.SharedIndexInformer).GetIndexer()
	if _, err := videos.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: w.added, UpdateFunc: w.updated, DeleteFunc: w.removed,
	}); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	accounts, err := views.GetInformer(ctx, &v1alpha1.KieAccount{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	if _, err := accounts.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(is any) { w.books.note(is.(*v1alpha1.KieAccount), time.Now()) },
		UpdateFunc: func(_, is any) { w.books.note(is.(*v1alpha1.KieAccount), time.Now()) },
	}); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	go func() { _ = views.Start(ctx) }()
	views.WaitForCacheSync(ctx)
	return w, nil
}

// readWriter notes which process has written the attempt of a resource, and removes
// managedFields, which nothing else needs.
func (w *watcher) readWriter(object any) (any, error) {
	if vg, ok := object.(*v1alpha1.VideoGeneration); ok {
		w.noteWriter(vg)
		vg.ManagedFields = nil
	}
	return object, nil
}

func (w *watcher) noteWriter(vg *v1alpha1.VideoGeneration) {
	task := vg.Status.Task
	w.mu.Lock()
	defer w.mu.Unlock()
	if task == nil || w.writers[task.Attempt] != "" {
		return
	}
	if writer := writerOf(vg.ManagedFields); writer != "" {
		w.writers[task.Attempt] = writer
	}
}

func (w *watcher) added(is any) { w.noteTurn(is.(*v1alpha1.VideoGeneration)) }

func (w *watcher) updated(before, after any) {
	was, is := before.(*v1alpha1.VideoGeneration), after.(*v1alpha1.VideoGeneration)
	w.noteTurn(is)
	regression := regressionOf(was, is)
	if regression == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.regressions = append(w.regressions, time.Now().UTC().Format(time.TimeOnly)+" "+regression)
}

func (w *watcher) removed(object any) {
	if unseen, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = unseen.Obj // as it was last seen
	}
	if was, ok := object.(*v1alpha1.VideoGeneration); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.departed[was.UID] = was
	}
}

func (w *watcher) noteTurn(is *v1alpha1.VideoGeneration) {
	_, reason := reasonOf(is)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turns[is.UID].reason != reason {
		w.turns[is.UID] = turn{reason: reason, at: time.Now()}
	}
}

// regressionOf says how a resource has left a final state; empty if it has not.
func regressionOf(was, is *v1alpha1.VideoGeneration) string {
	if was.UID != is.UID || !isFinal(was) || askedAgain(was, is) {
		return ""
	}
	oldStatus, oldReason := reasonOf(was)
	newStatus, newReason := reasonOf(is)
	if oldStatus == newStatus && oldReason == newReason {
		return ""
	}
	return fmt.Sprintf("%s/%s went from %s %s to %s %s", was.Namespace, was.Name, oldStatus, oldReason, newStatus, newReason)
}

// left returns the regressions that were seen.
func (w *watcher) left() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.regressions...)
}

// find returns a resource as it was last seen, nil if there is none.
func (w *watcher) find(name types.NamespacedName) *v1alpha1.VideoGeneration {
	object, exists, err := w.indexer.GetByKey(name.String())
	if err != nil || !exists {
		return nil
	}
	return object.(*v1alpha1.VideoGeneration)
}

// list returns all resources as they were last seen.
func (w *watcher) list() (all []*v1alpha1.VideoGeneration) {
	for _, object := range w.indexer.List() {
		all = append(all, object.(*v1alpha1.VideoGeneration))
	}
	return all
}

// unfinished lists the resources that are not at rest, with their reasons.
func (w *watcher) unfinished() map[string]int {
	reasons := map[string]int{}
	for _, vg := range w.list() {
		_, reason := reasonOf(vg)
		switch {
		case !vg.DeletionTimestamp.IsZero():
			reasons["being deleted"]++
		case !hasEnded(vg), askedAgain(vg, vg) && !hasSucceeded(vg):
			reasons[reason]++
		}
	}
	return reasons
}

// noted copies what was noted.
func (w *watcher) noted() (writers map[string]string, departed map[types.UID]*v1alpha1.VideoGeneration, turns map[types.UID]turn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.writers), maps.Clone(w.departed), maps.Clone(w.turns)
}
