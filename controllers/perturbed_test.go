//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// This is what Sieve calls testing by perturbation: the undisturbed life of each
// workload is run once and its effects are counted; then plans are generated, one
// for each effect and each thing that can happen at it, and each life has to end
// as the undisturbed one, or as is right for what has happened. Each kind of plan
// has a file of its own: perturbed_*_test.go.
//
// A plan that fails is run alone with the line that it prints.

// effects are those that an undisturbed life has, in their order.
type effects struct {
	writes []target
	// requests are the kinds of those to KIE.AI, its files and the S3 server.
	requests []string
}

// points are the numbers of the requests that are disturbed: all, but of those of a
// kind that is made again and again the first two and the last two.
func (e effects) points() (numbers []int) {
	times, seen := map[string]int{}, map[string]int{}
	for _, request := range e.requests {
		times[request]++
	}
	for i, request := range e.requests {
		seen[request]++
		if seen[request] <= 2 || seen[request] > times[request]-2 {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// ending is what a life comes to, as far as it is the same each time.
type ending struct {
	Ready, Reason  string
	Videos, Stored int
	Hashes         []string
	Paid, Upgrades int
	// Mirrored says that the annotation has the id of the task.
	Mirrored bool
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
	if task := vg.Status.Task; task != nil {
		e.Mirrored = task.ID != "" && vg.Annotations[v1alpha1.AnnotationTaskID] == task.ID
	}
	for _, video := range vg.Status.Videos {
		if video.Artifact != nil {
			e.Stored++
			e.Hashes = append(e.Hashes, video.Artifact.SHA256)
		}
	}
	for _, problem := range fixture.LintStatus(vg) {
		w.t.Errorf("%s", problem)
	}
	if load.name == "retry" {
		e.Paid = 0 // a try whose answer was lost may have been the last one
	}
	return e
}

// plan is one life with one thing that happens in it.
type plan struct {
	name string
	// disturb prepares the world, which has come to where the life begins. It calls happened when it has disturbed it.
	disturb func(w *world, happened func())
	// may is by how many times the purchases may be more than undisturbed.
	may int
	// held judges the world while what was disturbed still is, which is after holds; nil if it passes by itself.
	held  func(w *world, load workload, want ending)
	holds time.Duration
	// relieve ends what does not pass by itself.
	relieve func(w *world)
	// aid is what a user does then; nil is resubmitIfUnknown.
	aid func(w *world)
	// unbooked says that what an account without a budget has spent may be lost with what was disturbed.
	unbooked bool
	// right changes what the undisturbed life has come to into what is right after this.
	right func(want *ending)
}

// kind is a way to disturb lives.
type kind struct {
	name     string
	generate func(load workload, count effects) []plan
	// every is which part of the plans is run where not all are: each so many-th.
	every int
}

var kinds = []kind{
	{"of intermediate states", intermediate, 1},
	{"of stale views", stale, 1},
	{"of unobserved changes", unobserved, 1},
	{"of refusals by policy", refusedByPolicies, 11},
	{"of trouble that lasts", enduring, 17},
	{"of SIGTERM", terminated, 7},
	{"of frozen processes", frozen, 11},
	{"of gateways", behindGateway, 61},
	{"of forgotten and sick records", sickRecords, 23},
	{"of what people do", touched, 5},
}

// all says that every plan is to be run, and not a sample of the newer kinds that
// is the same each time: all plans of the plain life, and some of the others.
var all = os.Getenv("PERTURB") == "all"

// sample are those of the plans that are run.
func (k kind) sample(load workload, at int, plans []plan) []plan {
	if all || k.every == 1 || load.name == "plain" {
		return plans
	}
	var some []plan
	for i, p := range plans {
		if (i+at)%k.every == 0 {
			some = append(some, p)
		}
	}
	return some
}

// mostExtraWrites is how many writes one disturbance may lead to: a write is
// tried three times, the trouble and its end are noted, and what was lost may be
// given up and bought again.
const mostExtraWrites = 8

// horizon is how long a life may take: longer than every backoff and window.
const horizon = 5 * time.Hour

// tallied counts plans by their kind.
type tallied struct {
	mu           sync.Mutex
	planned, ran map[string]int
}

func (c *tallied) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var planned, ran int
	var parts []string
	for _, k := range kinds {
		planned += c.planned[k.name]
		ran += c.ran[k.name]
		parts = append(parts, fmt.Sprintf("%d %s", c.ran[k.name], k.name))
	}
	return fmt.Sprintf("%d of %d plans were run: %s", ran, planned, strings.Join(parts, ", "))
}

func (c *tallied) add(to func(*tallied) *map[string]int, kind string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := to(c)
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[kind] += n
}

func planned(c *tallied) *map[string]int { return &c.planned }

func ran(c *tallied) *map[string]int { return &c.ran }

func TestPerturbations(t *testing.T) {
	var tally tallied
	for at, load := range perturbedLoads() {
		var want ending
		var count effects
		whole := t.Run(load.name+"/undisturbed", func(t *testing.T) {
			w := newWorld(t, load.world(true, 0))
			load.begin(w)
			writes := int(w.faults.writes.Load())
			var mu sync.Mutex
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				mu.Lock()
				count.requests = append(count.requests, kindOf(r))
				mu.Unlock()
				serve.ServeHTTP(rw, r)
			}
			w.run(horizon)
			count.writes = w.faults.targets(writes)
			want = w.ending(load)
			load.ends(w)
			w.rest()
		})
		if !whole || count.writes == nil {
			continue // it has no right end, or was not to be run
		}
		for _, k := range kinds {
			plans := k.generate(load, count)
			tally.add(planned, k.name, len(plans))
			for _, p := range k.sample(load, at, plans) {
				t.Run(load.name+"/"+p.name, func(t *testing.T) {
					p.run(t, load, count, want)
					tally.add(ran, k.name, 1)
				})
			}
		}
	}
	t.Cleanup(func() { t.Log(tally.String()) })
}

// run lives the life as planned, and compares its end.
func (p plan) run(t *testing.T, load workload, count effects, want ending) {
	w := newWorld(t, load.world(false, p.may))
	load.begin(w)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: make perturb PLAN='%s'", strings.TrimPrefix(t.Name(), "TestPerturbations/"))
		}
	})
	var happened atomic.Bool
	before := w.faults.writes.Load()
	// What is tried again once a minute for hours is no bug, what is tried each second is one.
	w.faults.most = before + 300
	p.disturb(w, func() { happened.Store(true) })
	if p.held != nil {
		w.run(p.holds)
		p.held(w, load, want)
	} else {
		w.run(horizon)
	}
	if !happened.Load() {
		t.Error("that plan has not disturbed anything")
	}
	w.faults.onWrite, w.faults.onEffect, w.onRequest = nil, nil, nil
	if p.relieve != nil {
		p.relieve(w)
	}
	w.run(horizon)
	switch {
	case p.aid != nil:
		p.aid(w)
	case load.noCallbacks:
		asMessagesSay(w) // a purchase whose answer is lost is found by its user alone
	default:
		w.resubmitIfUnknown("video")
	}
	w.run(horizon)
	got := w.ending(load)
	if writes, most := int(w.faults.writes.Load()-before), (1+p.may)*(len(count.writes)+mostExtraWrites); p.held == nil && p.relieve == nil && writes > most {
		t.Errorf("that life took %d writes, and %d undisturbed", writes, len(count.writes))
	}
	if p.right != nil {
		p.right(&want)
	}
	if p.may > 0 && got.Paid <= want.Paid*(1+p.may) {
		got.Paid, got.Upgrades = want.Paid, want.Upgrades
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the life has another end (-right +this):\n%s\nit says %s", diff, w.readyText("video"))
	}
	if p.unbooked && load.unbudgeted {
		w.restUnbooked()
	} else {
		w.rest()
	}
}

// rest holds when nothing happens any more: nobody is forgotten, and the books
// have what was paid.
func (w *world) rest() {
	w.t.Helper()
	w.restUnbooked()
	w.assertBooked()
}

func (w *world) restUnbooked() {
	w.t.Helper()
	for _, problem := range w.forgotten() {
		w.t.Error(problem)
	}
}

// inOrderOf lists the keys of a map in their order, so that plans have one.
func inOrderOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
