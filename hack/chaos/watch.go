// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// reasonOf returns the Ready condition of a resource; Unknown while there is none.
func reasonOf(vg *v1alpha1.VideoGeneration) (metav1.ConditionStatus, string) {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return metav1.ConditionUnknown, ""
	}
	return ready.Status, ready.Reason
}

// hasEnded reports whether the resource is at rest.
func hasEnded(vg *v1alpha1.VideoGeneration) bool {
	status, _ := reasonOf(vg)
	return status != metav1.ConditionUnknown
}

// isFinal reports whether the resource may never leave the state it is in. What
// was given up may come back with a late callback, and with it what continues it.
func isFinal(vg *v1alpha1.VideoGeneration) bool {
	switch status, reason := reasonOf(vg); status {
	case metav1.ConditionTrue:
		return true
	case metav1.ConditionFalse:
		return reason != v1alpha1.ReasonSourceFailed && (vg.Status.Task.Settled() || vg.Status.Task == nil)
	default:
		return false
	}
}

// watcher follows all VideoGenerations and notes what must not happen.
type watcher struct {
	informer cache.Informer
	indexer  toolscache.Indexer

	mu          sync.Mutex
	regressions []string
}

// startWatcher watches until the context ends.
func startWatcher(ctx context.Context, cfg *rest.Config) (*watcher, error) {
	views, err := cache.New(cfg, cache.Options{Scheme: testenv.Scheme(), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	w := &watcher{}
	if w.informer, err = views.GetInformer(ctx, &v1alpha1.VideoGeneration{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	w.indexer = w.informer.(toolscache.SharedIndexInformer).GetIndexer()
	if _, err := w.informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{UpdateFunc: w.updated}); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	go func() { _ = views.Start(ctx) }()
	views.WaitForCacheSync(ctx)
	return w, nil
}

func (w *watcher) updated(before, after any) {
	was, is := before.(*v1alpha1.VideoGeneration), after.(*v1alpha1.VideoGeneration)
	regression := regressionOf(was, is)
	if regression == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.regressions = append(w.regressions, time.Now().UTC().Format(time.TimeOnly)+" "+regression)
}

// regressionOf says how a resource has left a final state; empty if it has not.
func regressionOf(was, is *v1alpha1.VideoGeneration) string {
	if was.UID != is.UID || !isFinal(was) {
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

// unfinished lists the resources that are not at rest, with their reasons.
func (w *watcher) unfinished() map[string]int {
	reasons := map[string]int{}
	for _, object := range w.indexer.List() {
		if vg := object.(*v1alpha1.VideoGeneration); !hasEnded(vg) {
			_, reason := reasonOf(vg)
			reasons[reason]++
		}
	}
	return reasons
}
