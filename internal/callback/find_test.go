// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

// shelf is a client.Reader with some resources, or one that fails.
type shelf struct {
	client.Reader
	mu    sync.Mutex
	items []v1alpha1.VideoGeneration
	err   error
	lists int
}

// List finds by attempt.
func (s *shelf) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	var asked client.ListOptions
	asked.ApplyOptions(options)
	for _, item := range s.items {
		for _, field := range asked.FieldSelector.Requirements() {
			if item.Status.Task.Attempt == field.Value {
				found := list.(*v1alpha1.VideoGenerationList)
				found.Items = append(found.Items, item)
			}
		}
	}
	return s.err
}

func (s *shelf) put(vg v1alpha1.VideoGeneration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, vg)
}

// search is one call of find for an attempt that the cache does not have at first.
type search struct {
	handler     *handler
	cache, live *shelf
	api         *upstream
	wanted      v1alpha1.VideoGeneration
	behind      atomic.Bool // the version of the cache says so
}

func newSearch() *search {
	s := &search{cache: &shelf{}, live: &shelf{}, api: &upstream{version: "90"}}
	s.wanted.Name = "wanted"
	s.wanted.Status.Task = &v1alpha1.Task{Attempt: attempts.New()}
	informers := &Informers{}
	informers.proofs.add(source{api: s.api, version: func() string {
		if s.behind.Load() {
			return "9"
		}
		return "90"
	}})
	s.handler = newHandler(Options{
		Reader: s.cache, APIReader: s.live, Informers: informers,
		Clock: clocktesting.NewFakePassiveClock(now), Registerer: prometheus.NewRegistry(), Log: (&capture{}).logger(),
	})
	return s
}

// isBehind makes the cache one that is known to be behind.
func (s *search) isBehind() { s.behind.Store(true) }

// find returns what was found, and how long that took.
func (s *search) find(t *testing.T) (*v1alpha1.VideoGeneration, *outcome, time.Duration) {
	t.Helper()
	begun := time.Now()
	vg, refused := s.handler.find(t.Context(), s.wanted.Status.Task.Attempt)
	return vg, refused, time.Since(begun)
}

// What is found, or said, about an attempt that the cache does not have.
func TestAnAttemptThatTheCacheDoesNotHave(t *testing.T) {
	badRequest := apierrors.NewBadRequest("field label not supported: status.task.attempt")
	for _, tc := range []struct {
		reason string
		change func(*search)
		want   *outcome // nil if it is found
		took   time.Duration
		lists  int // of the API server by attempt
	}{
		{"the cache is not behind: nobody has it", func(*search) {}, unknownToken, unseenGrace, 0},
		{"only other kinds have changed: nobody has it", func(s *search) {
			s.api.version, s.api.changes = "1000", append(s.api.changes, at("BOOKMARK", "1000"))
		}, unknownToken, unseenGrace, 0},
		{"the cache gets it while that is found out", func(s *search) {
			s.api.onRead = func() { s.cache.put(s.wanted) }
		}, nil, unseenGrace, 0},
		{"the cache gets it and says so, before anything is found out", func(s *search) {
			s.isBehind()
			s.api.version, s.api.goesOn = "1000", true
			time.AfterFunc(unseenGrace+time.Second, func() {
				s.cache.put(s.wanted)
				s.handler.informers.show(&s.wanted)
			})
		}, nil, unseenGrace + time.Second, 0},
		{"the cache gets others", func(s *search) {
			s.isBehind()
			time.AfterFunc(2*time.Second, func() {
				other := s.wanted.DeepCopy()
				other.Status.Task.Attempt = attempts.New()
				s.handler.informers.show(other)
				s.handler.informers.show(&v1alpha1.KieAccount{})
			})
		}, cacheBehind, unseenTimeout, 1},
		{"the cache catches up without it", func(s *search) {
			s.isBehind()
			time.AfterFunc(unseenGrace+time.Second-1, func() { s.behind.Store(false) })
		}, unknownToken, unseenGrace + time.Second, 1},
		{"the cache is behind, and the API server has it", func(s *search) {
			s.isBehind()
			s.live.put(s.wanted)
		}, nil, unseenGrace, 1},
		{"the cache is behind, and the API server has none whose task has it: it may be that of an upgrade", func(s *search) {
			s.isBehind()
		}, cacheBehind, unseenTimeout, 1},
		{"the cache is behind, and the look-ups of this second are used up", func(s *search) {
			s.isBehind()
			s.live.put(s.wanted)
			s.handler.lookups.AllowN(now, 2*maxLookups)
		}, cacheBehind, unseenTimeout, 0},
		{"the cache is behind, and the API server cannot select", func(s *search) {
			s.isBehind()
			s.live.err = badRequest
		}, cacheBehind, unseenTimeout, 1},
		{"the cache is behind, and the API server fails", func(s *search) {
			s.isBehind()
			s.live.err = errors.New("etcd is away")
		}, apiUnavailable, unseenGrace, 1},
		{"two resources have it", func(s *search) {
			s.cache.put(s.wanted)
			s.cache.put(s.wanted)
		}, unknownToken, 0, 0},
		{"the cache is not there", func(s *search) { s.cache.err = errors.New("not started") }, cacheUnavailable, 0, 0},
		{"nobody knows whether the cache is behind, and the API server has it", func(s *search) {
			s.handler.informers = nil
			s.live.put(s.wanted)
		}, nil, 0, 1},
		{"nobody knows whether the cache is behind, and the API server has none whose task has it", func(s *search) {
			s.handler.informers = nil
		}, cacheBehind, 0, 1},
		{"nobody knows whether the cache is behind, and the look-ups of this second are used up", func(s *search) {
			s.handler.informers = nil
			s.live.put(s.wanted)
			s.handler.lookups.AllowN(now, 2*maxLookups)
		}, cacheBehind, 0, 0},
		{"nobody knows whether the cache is behind, and the API server cannot select", func(s *search) {
			s.handler.informers, s.live.err = nil, badRequest
		}, cacheBehind, 0, 1},
		{"others wait already", func(s *search) {
			s.handler.unseen = make(chan struct{})
		}, tooMany, 0, 0},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSearch()
				defer s.handler.informers.settle()
				tc.change(s)
				vg, refused, took := s.find(t)
				if refused != tc.want {
					t.Errorf("the outcome is %v, want %v", refused, tc.want)
				}
				if (vg != nil) != (tc.want == nil) || vg != nil && vg.Name != s.wanted.Name {
					t.Errorf("it found %v", vg)
				}
				if took.Truncate(proofInterval) != tc.took {
					t.Errorf("it took %s, want %s", took, tc.took)
				}
				if s.live.lists != tc.lists {
					t.Errorf("the API server was asked %d times, want %d", s.live.lists, tc.lists)
				}
				if len(s.handler.unseen) != 0 {
					t.Error("its place was not given back")
				}
				if s.handler.informers != nil && len(s.handler.informers.waiting) != 0 {
					t.Error("something is left of it")
				}
			})
		})
	}
}

// What the watch brings soon costs the API server nothing more, however much else
// it has to do.
func TestTheWatchBringsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch()
		defer s.handler.informers.settle()
		s.isBehind()
		time.AfterFunc(unseenGrace-1, func() {
			s.cache.put(s.wanted)
			s.handler.informers.show(&s.wanted)
		})
		if vg, refused, _ := s.find(t); vg == nil {
			t.Errorf("the outcome is %v, want the resource", refused)
		}
		if s.live.lists != 0 || s.api.reads != 0 {
			t.Errorf("the API server was asked %d times for an attempt and %d times how far it is, want 0", s.live.lists, s.api.reads)
		}
	})
}

// Many strangers at a time cost the API server no more than one, and are told
// that nobody has what they have guessed.
func TestStrangersShareAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch()
		defer s.handler.informers.settle()
		var strangers sync.WaitGroup
		for range maxUnseen {
			strangers.Go(func() {
				if _, refused := s.handler.find(t.Context(), attempts.New()); refused != unknownToken {
					t.Errorf("the outcome is %v, want %v", refused, unknownToken)
				}
			})
		}
		strangers.Wait()
		if s.live.lists != 0 || s.api.reads > 2 {
			t.Errorf("the API server was asked %d times for an attempt and %d times how far it is, want 0 and 2 at most", s.live.lists, s.api.reads)
		}
	})
}

// Two requests with one attempt wait, and one of them goes away.
func TestTwoWaitForOneAttempt(t *testing.T) {
	var informers Informers
	vg := &v1alpha1.VideoGeneration{}
	vg.Status.Task = &v1alpha1.Task{Attempt: "a"}
	vg.Status.Upgrade = &v1alpha1.Upgrade{Attempt: "b"}
	first, forgetFirst := informers.watchFor("b")
	second, forgetSecond := informers.watchFor("b")
	forgetFirst()
	informers.show(vg)
	select {
	case <-second:
	default:
		t.Error("the one that waits was not told")
	}
	select {
	case <-first:
		t.Error("the one that went away was told")
	default:
	}
	forgetSecond()
	forgetFirst()
	if len(informers.waiting) != 0 {
		t.Errorf("left are %v", informers.waiting)
	}
}

// What is in line is written in its newest state, if that is in the cache.
func TestTheNewestStateIsWritten(t *testing.T) {
	for _, tc := range []struct{ reason, known, cached, want string }{
		{"it has changed while it was in line", "9", "10", "10"},
		{"the cache is behind what was looked up past it", "10", "9", "10"},
		{"nothing has changed", "10", "10", "10"},
		{"the cache does not have it", "10", "", "10"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			h := &handler{cache: one{version: tc.cached}}
			got := h.newest(t.Context(), &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{ResourceVersion: tc.known}})
			if got.ResourceVersion != tc.want {
				t.Errorf("version %s is written, want %s", got.ResourceVersion, tc.want)
			}
		})
	}
}

// one is a reader of one resource.
type one struct {
	client.Reader
	version string
}

func (o one) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if o.version == "" {
		return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("videogenerations").GroupResource(), "wanted")
	}
	object.SetResourceVersion(o.version)
	return nil
}
