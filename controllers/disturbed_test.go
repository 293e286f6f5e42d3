//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// workload is a life with more to it than one purchase.
type workload struct {
	name string
	// begin makes the world up to the point from which it is disturbed, and the resource "video".
	begin func(w *world)
	// writes is how many writes of the controller that life takes.
	writes         int
	paid, upgrades int
	paidMost       int
	status         metav1.ConditionStatus
	reason         string
	// stored are the names of the files that it stores; nil for none, and empty for any.
	stored []string
	// noCallbacks is a life by polling only, unbudgeted one of an account without a budget.
	noCallbacks, unbudgeted bool
}

// guarded is a life with a finalizer.
var guarded = workload{
	name: "stored to be deleted", writes: 8, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
	stored: []string{"720p.mp4"},
	begin: func(w *world) {
		w.setStorage(inFolder(v1alpha1.DeletionDelete))
		w.create("video")
	},
}

var workloads = []workload{
	{
		name: "1080p", writes: 6, paid: 1, upgrades: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) { w.create("video", fixture.In(v1alpha1.Resolution1080p)) },
	},
	{
		name: "4k", writes: 6, paid: 1, upgrades: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) { w.create("video", fixture.In(v1alpha1.Resolution4K)) },
	},
	{
		name: "extension", writes: 5, paid: 2, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.create("source")
			w.run(time.Hour)
			w.create("video", fixture.Extending("source"))
		},
	},
	{
		name: "upload", writes: 5, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.configMap("frames", map[string][]byte{"a.png": pngFile(w.t)})
			w.create("video", images(fromConfigMap("frames", "a.png")))
		},
	},
	{
		name: "retry", writes: 10, paid: 2, paidMost: 2, status: metav1.ConditionFalse, reason: v1alpha1.ReasonGenerationFailed,
		begin: func(w *world) { w.create("video", maxAttempts(2), prompt("[sim:fail=501]")) },
	},
	{
		name: "answer lost", writes: 6, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) { w.create("video", prompt("[sim:accept-then=drop]")) },
	},
	{
		name: "stored", writes: 7, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		stored: []string{"720p.mp4"},
		begin: func(w *world) {
			w.setStorage(inFolder(v1alpha1.DeletionRetain))
			w.create("video")
		},
	},
	{
		name: "stored in 4k", writes: 10, paid: 1, upgrades: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		stored: []string{"4k.mp4", "720p.mp4"},
		begin: func(w *world) {
			w.setStorage(inFolder(v1alpha1.DeletionRetain))
			w.create("video", fixture.In(v1alpha1.Resolution4K))
		},
	},
	{
		name: "4k with a lost answer", writes: 8, paid: 1, upgrades: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:4k-accept-then=drop]"))
		},
	},
}

// Whatever happens at whichever write of a longer life, each purchase is made at
// most once, the larger version is paid for at most once, and the life ends as
// without the disturbance.
func TestEveryWriteOfLongerLivesDisturbed(t *testing.T) {
	for _, load := range append(slices.Clone(workloads), guarded) {
		t.Run(load.name+"/undisturbed", func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: load.paidMost})
			load.begin(w)
			before := w.faults.writes.Load()
			w.run(3 * time.Hour)
			load.ends(w)
			if got := int(w.faults.writes.Load() - before); got != load.writes {
				t.Errorf("that life took %d writes, want %d", got, load.writes)
			}
		})
		for number := range load.writes {
			for _, d := range disturbances {
				t.Run(fmt.Sprintf("%s/write %d/%s", load.name, number+1, d.name), func(t *testing.T) {
					w := newWorld(t, worldOptions{paidMost: load.paidMost})
					load.begin(w)
					first := int(w.faults.writes.Load()) + number
					w.faults.onWrite = func(n int, do func() error) error {
						if n > first && n <= first+d.times {
							return d.at(do)
						}
						return do()
					}
					w.run(3 * time.Hour)
					w.faults.onWrite = nil
					w.resubmitIfUnknown("video")
					load.ends(w)
				})
			}
		}
	}
}

// resubmitIfUnknown does what a user does in the one case in which nobody can
// know: the process died between the intent and the purchase.
func (w *world) resubmitIfUnknown(name string) {
	w.t.Helper()
	if !w.isGone(name) && state.FailedFor(w.get(name).Status.Task, v1alpha1.ReasonSubmissionUnknown) {
		w.update(name, fixture.Resubmit)
		w.run(3 * time.Hour)
	}
}

func (load workload) ends(w *world) {
	w.t.Helper()
	if load.reason == "" {
		if !w.isGone("video") {
			w.t.Error("the resource is still there")
		}
		w.wantPaid(load.paid)
		return
	}
	vg := w.wantReady("video", load.status, load.reason)
	if paid := w.paid(); paid > load.paid || (paid < load.paid && load.name != "retry") {
		w.t.Errorf("%d tasks were paid for, want %d", paid, load.paid)
	}
	w.wantUpgrades(load.upgrades)
	if load.status == metav1.ConditionTrue && len(vg.Status.Videos) != 1+load.upgrades {
		w.t.Errorf("the videos are %+v", vg.Status.Videos)
	}
	if len(load.stored) > 0 {
		w.wantStored(vg, load.stored...)
	}
	if vg.Annotations[v1alpha1.AnnotationTaskID] != vg.Status.Task.ID {
		w.t.Errorf("the annotation mirrors %s, the task is %s", vg.Annotations[v1alpha1.AnnotationTaskID], vg.Status.Task.ID)
	}
}
