// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// Informers are the informers that fill the cache with VideoGenerations: one, or one
// for each namespace that is watched. They tell when an attempt comes into the
// cache, and whether the cache is behind the API server. The zero value is ready for
// use.
type Informers struct {
	proofs proofs

	mu      sync.Mutex
	waiting map[string][]chan struct{} // by attempt: what is closed when the attempt comes into the cache
}

// NewInformer makes an informer as the cache does by default, and watches it. It is
// for cache.Options.NewInformer.
func (i *Informers) NewInformer(api toolscache.ListerWatcher, object runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	informer := toolscache.NewSharedIndexInformer(api, object, resync, indexers)
	if _, ok := object.(*v1alpha1.VideoGeneration); !ok {
		return informer
	}
	// The store is changed before a handler is called, so whoever is woken finds the attempt. There is an error only
	// if the informer was stopped, and this one has not even started.
	_, _ = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    i.show,
		UpdateFunc: func(_, object any) { i.show(object) },
	})
	// A store takes a new list of everything as one change (AtomicFIFO), so it never has less than its version says.
	i.proofs.add(source{
		api:     toolscache.ToListerWatcherWithContext(api),
		version: informer.GetStore().LastStoreSyncResourceVersion,
	})
	return informer
}

// watchFor returns a channel that is closed when the attempt comes into the
// cache. The caller calls forget when it does not wait any more.
func (i *Informers) watchFor(attempt string) (seen <-chan struct{}, forget func()) {
	signal := make(chan struct{})
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.waiting == nil {
		i.waiting = map[string][]chan struct{}{}
	}
	i.waiting[attempt] = append(i.waiting[attempt], signal)
	return signal, func() { i.forget(attempt, signal) }
}

func (i *Informers) forget(attempt string, signal chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	signals := i.waiting[attempt]
	for at, each := range signals {
		if each == signal {
			signals = append(signals[:at], signals[at+1:]...)
			break
		}
	}
	if len(signals) == 0 {
		delete(i.waiting, attempt)
		return
	}
	i.waiting[attempt] = signals
}

// show wakes those who wait for an attempt of the object.
func (i *Informers) show(object any) {
	attempts := attemptsOf(object)
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, attempt := range attempts {
		for _, signal := range i.waiting[attempt] {
			close(signal)
		}
		delete(i.waiting, attempt)
	}
}
