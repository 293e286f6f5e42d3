//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// This is what Sieve calls testing by perturbation: the undisturbed life of each
// workload is run once and its effects are counted; then plans are generated, one
// for each effect and each thing that can happen at it, and each life has to end
// as the undisturbed one. The plans are of three kinds: intermediate states (an
// effect fails, or its answer is lost, or the process dies after it), stale views
// (a cache that is behind, or shows a resource that was replaced), and changes
// that were not seen when they happened.
//
// A plan that fails is run alone with the line that it prints.

// effects is how many effects of each kind an undisturbed life has.
type effects struct {
	writes, requests int
}

// ending is what a life comes to, as far as it is the same each time.
type ending struct {
	Ready, Reason  string
	Videos, Stored int
	Hashes         []string
	Paid, Upgrades int
	// Gone says that the resource was deleted when its time was over.
	Gone bool
}

func (w *world) ending(load workload) ending {
	w.t.Helper()
	e := ending{Paid: w.paid(), Upgrades: w.sim.State().PaidUpgrades, Gone: w.isGone("video")}
	if e.Gone {
		return e
	}
	vg := w.get("video")
	e.Videos = len(vg.Status.Videos)
	if ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		e.Ready, e.Reason = string(ready.Status), ready.Reason
	}
	for _, video := range vg.Status.Videos {
		if video.Artifact != nil {
			e.Stored++
			e.Hashes = append(e.Hashes, video.Artifact.SHA256)
		}
	}
	for _, problem := range lintStatus(vg) {
		w.t.Errorf("%s", problem)
	}
	if load.name == "retry" {
		e.Paid = 0 // a try whose answer was lost may have been the last one
	}
	return e
}

// inBucketOfS3 stores in a real S3 server, through a proxy that can be disturbed.
var inBucketOfS3 = workload{
	name: "stored in S3", writes: 6, paid: 1, stored: []string{},
	begin: func(w *world) {
		_, storage := w.inDisturbedS3()
		w.setStorage(storage)
		w.create("video")
	},
}

// perturbedLoads are the lives whose effects are disturbed.
func perturbedLoads() []workload {
	plain := workload{name: "plain", begin: func(w *world) { w.create("video") }}
	rejected := workload{name: "rejected", begin: func(w *world) { w.create("video", prompt("[sim:fail=400]")) }}
	refused := workload{name: "refused", begin: func(w *world) { w.create("video", prompt("[sim:submit=422]")) }}
	suspended := workload{name: "suspended", begin: func(w *world) {
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.pass(time.Minute)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
	}}
	short := workload{name: "short", begin: func(w *world) { w.create("video", livesFor(60)) }}
	return append(slices.Clone(workloads), guarded, inBucketOfS3, plain, rejected, refused, suspended, short)
}

// plan is one life with one thing that happens in it.
type plan struct {
	name string
	// disturb prepares the world, which has come to where the life begins. It calls happened when it has disturbed it.
	disturb func(w *world, happened func())
	// may is by how many times the purchases may be more than undisturbed.
	may int
}

// mostExtraWrites is how many writes one disturbance may lead to: a write is
// tried three times, the trouble and its end are noted, and what was lost may be
// given up and bought again.
const mostExtraWrites = 8

// horizon is how long a life may take: longer than every backoff and window.
const horizon = 5 * time.Hour

func TestPerturbations(t *testing.T) {
	var ran, planned atomic.Int64
	var kinds [3]int
	for _, load := range perturbedLoads() {
		var want ending
		var count effects
		t.Run(load.name+"/undisturbed", func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: load.paidMost, serial: true})
			load.begin(w)
			writes := w.faults.writes.Load()
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) { serve.ServeHTTP(rw, r) }
			w.run(horizon)
			count = effects{writes: int(w.faults.writes.Load() - writes), requests: int(w.requests.Load())}
			want = w.ending(load)
		})
		var plans []plan
		for kind, generate := range []func(effects) []plan{intermediate, stale, unobserved} {
			generated := generate(count)
			kinds[kind] += len(generated)
			plans = append(plans, generated...)
		}
		planned.Add(int64(len(plans)))
		for _, p := range plans {
			t.Run(load.name+"/"+p.name, func(t *testing.T) {
				most := max(load.paidMost, 1)
				w := newWorld(t, worldOptions{paidMost: most * (1 + p.may)})
				load.begin(w)
				var happened atomic.Bool
				before := w.faults.writes.Load()
				p.disturb(w, func() { happened.Store(true) })
				w.run(horizon)
				if !happened.Load() {
					t.Error("that plan has not disturbed anything")
				}
				w.faults.onWrite, w.onRequest = nil, nil
				w.resubmitIfUnknown("video")
				w.run(horizon)
				got := w.ending(load)
				if writes, most := int(w.faults.writes.Load()-before), (1+p.may)*(count.writes+mostExtraWrites); writes > most {
					t.Errorf("that life took %d writes, and %d undisturbed", writes, count.writes)
				}
				if p.may > 0 && got.Paid <= want.Paid*(1+p.may) {
					got.Paid, got.Upgrades = want.Paid, want.Upgrades
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the life has another end (-undisturbed +this):\n%s\nagain: make perturb PLAN='%s'", diff, strings.TrimPrefix(t.Name(), "TestPerturbations/"))
				}
				ran.Add(1)
			})
		}
	}
	t.Cleanup(func() {
		t.Logf("%d of %d plans were run: %d of intermediate states, %d of stale views, %d of unobserved changes",
			ran.Load(), planned.Load(), kinds[0], kinds[1], kinds[2])
	})
}

// intermediate are the plans in which an effect fails, or is made and its answer
// is lost, or is made and the process dies.
func intermediate(count effects) (plans []plan) {
	for n := 1; n <= count.writes; n++ {
		for name, at := range map[string]func(do func() error) error{
			"fails": func(func() error) error { return errServer },
			"answer lost": func(do func() error) error {
				if err := do(); err != nil {
					return err
				}
				return errTimeout
			},
			"then a crash": func(do func() error) error {
				if err := do(); err != nil {
					return err
				}
				panic(errCrash)
			},
		} {
			plans = append(plans, plan{name: fmt.Sprintf("write %d %s", n, name), disturb: func(w *world, happened func()) {
				w.atWrite(n, func(do func() error) error { happened(); return at(do) })
			}})
		}
	}
	for n := 1; n <= count.requests; n++ {
		for name, at := range map[string]func(w *world, rw http.ResponseWriter, r *http.Request, serve http.Handler){
			"fails": func(*world, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
			"answer lost": func(_ *world, _ http.ResponseWriter, r *http.Request, serve http.Handler) {
				serve.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			},
			"then a crash": func(w *world, _ http.ResponseWriter, r *http.Request, serve http.Handler) {
				serve.ServeHTTP(httptest.NewRecorder(), r)
				w.dead.Store(true)
				panic(http.ErrAbortHandler)
			},
		} {
			plans = append(plans, plan{name: fmt.Sprintf("request %d %s", n, name), disturb: func(w *world, happened func()) {
				first := int(w.requests.Load())
				w.onRequest = func(number int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
					if number == first+n {
						happened()
						at(w, rw, r, serve)
					}
					serve.ServeHTTP(rw, r)
				}
			}})
		}
	}
	return plans
}

// stale are the plans in which the cache is behind after a write, or shows the
// resource that was there before.
func stale(count effects) (plans []plan) {
	const looks = 3 // one of each reconciler
	for n := 1; n <= count.writes; n++ {
		for _, behind := range []int{1, 3} {
			plans = append(plans, plan{name: fmt.Sprintf("cache %d behind after write %d", behind, n), disturb: func(w *world, happened func()) {
				w.after(n, func() { happened(); w.staleGets, w.behind = looks, behind })
			}})
		}
		plans = append(plans, plan{name: fmt.Sprintf("replaced after write %d", n), may: 1, disturb: func(w *world, happened func()) {
			w.after(n, func() {
				happened()
				if w.isGone("video") || len(w.get("video").Finalizers) > 0 {
					return // it cannot be replaced, or not before its finalizer is gone
				}
				w.recreate(nil)
				w.staleGets, w.behind = looks, 1
			})
		}})
	}
	return plans
}

// unobserved are the plans in which a change is seen only together with later ones.
func unobserved(count effects) (plans []plan) {
	for n := 1; n <= count.writes; n++ {
		plans = append(plans, plan{name: fmt.Sprintf("write %d not seen", n), disturb: func(w *world, happened func()) {
			w.after(n, func() { happened(); w.unseen = 2 })
		}})
	}
	return plans
}

// atWrite does something at a write of the controller from now on.
func (w *world) atWrite(number int, at func(do func() error) error) {
	first := int(w.faults.writes.Load())
	w.faults.onWrite = func(n int, do func() error) error {
		if n == first+number {
			return at(do)
		}
		return do()
	}
}
