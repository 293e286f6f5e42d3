// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// proofs find out whether the cache has all that the API server has. One proof is
// under way at a time, for all who ask. It costs the API server a list of one
// object and a short watch for each informer, whatever the number of objects.
type proofs struct {
	mu      sync.Mutex
	sources []source
	running bool
	next    *proof // the one that is begun next, if somebody waits for it
}

// proof is one check that the cache is not behind. When done is closed, holds says
// whether the cache had all that was written before the proof was asked for.
type proof struct {
	done  chan struct{}
	holds bool
}

// source is where one informer takes its objects from, and the resourceVersion up
// to which its store has all of them.
type source struct {
	api     toolscache.ListerWatcherWithContext
	version func() string
}

func (p *proofs) add(s source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources = append(p.sources, s)
}

// prove asks for a proof. It is always the next one: a proof that is under way may
// have read the API server's version before the caller came.
func (i *Informers) prove(ctx context.Context) *proof { return i.proofs.ask(ctx) }

func (p *proofs) ask(ctx context.Context) *proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = &proof{done: make(chan struct{})}
	}
	if !p.running {
		p.running = true
		go p.run(context.WithoutCancel(ctx)) // others may wait when this caller has left
	}
	return p.next
}

// run makes proofs as long as somebody asks for one.
func (p *proofs) run(ctx context.Context) {
	for {
		p.mu.Lock()
		next, sources := p.next, p.sources
		p.next = nil
		p.running = next != nil
		p.mu.Unlock()
		if next == nil {
			return
		}
		pause, resume := context.WithTimeout(ctx, proofInterval)
		next.holds = allCurrent(ctx, sources)
		close(next.done)
		<-pause.Done()
		resume()
	}
}

// allCurrent reports whether every store is known to have what the API server has.
func allCurrent(ctx context.Context, sources []source) bool {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	results := make(chan bool, len(sources))
	for _, each := range sources {
		go func() { results <- each.isCurrent(ctx) }()
	}
	current := len(sources) > 0
	for range sources {
		current = <-results && current
	}
	return current
}

// isCurrent reports whether the store is known to have all that the API server had
// when isCurrent was called. False means that it has not, or that it is not known.
//
// A consistent read says how far the API server is. Its resourceVersion counts the
// changes of all kinds, so the store of a kind that does not change stays behind it
// and misses nothing. A watch from the version of the store shows that: it brings
// all changes since, and before its end a bookmark that says how far it has got.
func (s source) isCurrent(ctx context.Context) bool {
	list, err := s.api.ListWithContext(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return false
	}
	there, err := meta.ListAccessor(list)
	if err != nil {
		return false
	}
	want, have := there.GetResourceVersion(), s.version()
	if have == "" || reaches(have, want) {
		return have != ""
	}
	changes, err := s.api.WatchWithContext(ctx, metav1.ListOptions{
		ResourceVersion:     have,
		AllowWatchBookmarks: true,
		TimeoutSeconds:      ptr.To(int64(proofWatch / time.Second)),
	})
	if err != nil {
		return false
	}
	defer changes.Stop()
	for needed := have; ; {
		select {
		case <-ctx.Done():
			return false
		case change, more := <-changes.ResultChan():
			if !more || change.Type == watch.Error {
				return false
			}
			object, err := meta.Accessor(change.Object)
			if err != nil {
				return false
			}
			version := object.GetResourceVersion()
			if change.Type != watch.Bookmark && reaches(want, version) {
				needed = version
			}
			if reaches(version, want) {
				return reaches(s.version(), needed)
			}
		}
	}
}

// reaches reports whether a resourceVersion is at least as new as another one.
func reaches(version, other string) bool {
	order, err := resourceversion.CompareResourceVersion(version, other)
	return err == nil && order >= 0
}
