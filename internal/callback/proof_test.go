// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/features"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// settle waits until no proof is under way.
func (i *Informers) settle() { <-time.After(proofTimeout + 2*proofInterval) }

// upstream is an API server as an informer sees it.
type upstream struct {
	version string // of a consistent read
	err     error  // of a read
	changes []watch.Event
	goesOn  bool  // the watch does not end after the changes
	refuses error // of a watch

	reads, watches int
	since          string // from where a watch was begun
	onRead         func()
}

func (u *upstream) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	u.reads++
	if u.onRead != nil {
		u.onRead()
	}
	return &v1alpha1.VideoGenerationList{ListMeta: metav1.ListMeta{ResourceVersion: u.version}}, u.err
}

func (u *upstream) WatchWithContext(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	u.watches++
	u.since = options.ResourceVersion
	changes := make(chan watch.Event, len(u.changes))
	for _, change := range u.changes {
		changes <- change
	}
	if !u.goesOn {
		close(changes)
	}
	return watch.NewProxyWatcher(changes), u.refuses
}

// at is something that happened to an object, or a bookmark.
func at(what watch.EventType, version string) watch.Event {
	return watch.Event{Type: what, Object: &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version}}}
}

// In each row the store of the informer has what was written up to store at the
// beginning and up to later, if that is there, at the end of the proof.
func TestWhetherACacheIsBehind(t *testing.T) {
	for _, tc := range []struct {
		reason       string
		store, later string
		api          upstream
		want         bool
		watches      int
	}{
		{reason: "the store is where the API server is", store: "90", api: upstream{version: "90"}, want: true},
		{reason: "the store is ahead of what was read", store: "100", api: upstream{version: "90"}, want: true},
		{reason: "only other kinds have changed", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Bookmark, "1000")}}, want: true, watches: 1},
		{reason: "something has changed that the store does not have", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Modified, "500"), at(watch.Bookmark, "1000")}}, watches: 1},
		{reason: "something was created that the store does not have", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Added, "1000")}}, watches: 1},
		{reason: "something was deleted that the store still has", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Deleted, "500"), at(watch.Bookmark, "1000")}}, watches: 1},
		{reason: "the store has some of the changes", store: "90", later: "500", api: upstream{version: "1000", changes: []watch.Event{at(watch.Modified, "500"), at(watch.Modified, "600"), at(watch.Bookmark, "1000")}}, watches: 1},
		{reason: "the store has got the changes meanwhile", store: "90", later: "600", api: upstream{version: "1000", changes: []watch.Event{at(watch.Modified, "500"), at(watch.Modified, "600"), at(watch.Bookmark, "1000")}}, want: true, watches: 1},
		{reason: "what has changed after the question does not count", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Modified, "1001")}}, want: true, watches: 1},
		{reason: "the watch ends before it has got far enough", store: "90", api: upstream{version: "1000", changes: []watch.Event{at(watch.Bookmark, "999")}}, watches: 1},
		{reason: "the watch says nothing", store: "90", api: upstream{version: "1000", goesOn: true}, watches: 1},
		{reason: "the watch cannot begin where the store is", store: "90", api: upstream{version: "1000", changes: []watch.Event{{Type: watch.Error, Object: &metav1.Status{Code: 410}}}}, watches: 1},
		{reason: "the watch is refused", store: "90", api: upstream{version: "1000", refuses: errors.New("no")}, watches: 1},
		{reason: "the API server is away", store: "90", api: upstream{version: "90", err: errors.New("no")}},
		{reason: "the store is empty still", api: upstream{version: "90"}},
		{reason: "a version that is no number", store: "90", api: upstream{version: "x"}, watches: 1},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				version := func() string {
					looks++
					if looks > 1 && tc.later != "" {
						return tc.later
					}
					return tc.store
				}
				var informers Informers
				defer informers.settle()
				informers.proofs.add(source{api: &tc.api, version: version})
				proof := informers.prove(t.Context())
				<-proof.done
				if proof.holds != tc.want {
					t.Errorf("the proof holds: %t, want %t", proof.holds, tc.want)
				}
				if tc.api.reads != 1 || tc.api.watches != tc.watches {
					t.Errorf("%d reads and %d watches, want 1 and %d", tc.api.reads, tc.api.watches, tc.watches)
				}
				if tc.api.watches > 0 && tc.api.since != tc.store {
					t.Errorf("the watch was begun at %q, want %q", tc.api.since, tc.store)
				}
			})
		})
	}
}

// The version of a store says what is in it only if a list is taken as one change.
func TestAStoreTakesAListAsOneChange(t *testing.T) {
	if !features.FeatureGates().Enabled(features.AtomicFIFO) {
		t.Error("AtomicFIFO of client-go is off: while a store takes a list, its version says more than is there")
	}
}

// One of several namespaces that is behind is enough.
func TestACacheOfManyNamespacesIsBehind(t *testing.T) {
	for _, tc := range []struct {
		reason string
		stores []string
		want   bool
	}{
		{"nothing is watched", nil, false},
		{"none is behind", []string{"90", "91"}, true},
		{"the first is", []string{"9", "90"}, false},
		{"the last is", []string{"90", "9"}, false},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var informers Informers
				defer informers.settle()
				for _, store := range tc.stores {
					informers.proofs.add(source{api: &upstream{version: "90"}, version: func() string { return store }})
				}
				proof := informers.prove(t.Context())
				<-proof.done
				if proof.holds != tc.want {
					t.Errorf("the proof holds: %t, want %t", proof.holds, tc.want)
				}
			})
		})
	}
}

// A proof that is under way may have looked before the question; and many
// questions are one proof.
func TestAProofIsBegunAfterTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var informers Informers
		defer informers.settle()
		api := &upstream{version: "90"}
		var during, again *proof
		api.onRead = func() {
			if during == nil {
				during, again = informers.prove(t.Context()), informers.prove(t.Context())
			}
		}
		informers.proofs.add(source{api: api, version: func() string { return "90" }})
		first := informers.prove(t.Context())
		<-first.done
		if during == first || during != again {
			t.Error("a question during a proof is answered by that proof, or two questions by two proofs")
		}
		<-during.done
		if !during.holds || api.reads != 2 {
			t.Errorf("the second proof holds: %t, after %d reads, want true after 2", during.holds, api.reads)
		}
	})
}
