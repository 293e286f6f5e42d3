//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// interference is what a user does to a resource in the middle of its life.
type interference struct {
	name string
	// do is done after a write; then, after an hour, undo.
	do, undo func(w *world)
	// more is how many purchases it may lead to besides those of an undisturbed life, by what the documentation
	// says: where the resource had the annotation with its task's id, and where it had not.
	more, moreWithoutID int
}

var interferences = []interference{
	{
		name: "edited",
		do: func(w *world) {
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				vg.Spec.Priority, vg.Spec.Timeout = ptr.To[int32](7), &metav1.Duration{Duration: 2 * time.Hour}
				metav1.SetMetaDataLabel(&vg.ObjectMeta, "edited", "true")
			})
		},
	},
	{
		name: "suspended and resumed",
		do: func(w *world) {
			w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		},
		undo: func(w *world) { w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil }) },
	},
	{
		name: "deleted and created again", more: 1, moreWithoutID: 1,
		do: func(w *world) { w.recreate(nil) },
	},
	{
		name: "deleted and restored without its status", more: 0, moreWithoutID: 1,
		do: func(w *world) { w.recreate(w.get("video").Annotations) },
	},
	{
		name: "emptied of its status", more: 0, moreWithoutID: 1,
		do: func(w *world) {
			vg := w.get("video")
			vg.Status = v1alpha1.VideoGenerationStatus{}
			w.must(w.live.Status().Update(w.t.Context(), vg))
		},
	},
}

// recreate deletes the resource and makes another one of the same name and spec.
func (w *world) recreate(annotations map[string]string) {
	w.t.Helper()
	vg := w.get("video")
	w.must(w.live.Delete(w.t.Context(), vg))
	w.must(w.live.Create(w.t.Context(), &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name, Annotations: annotations}, Spec: vg.Spec,
	}))
}

// Whatever a user does at whichever step, the resource ends as the documentation
// says and pays no more than it says.
func TestInterferenceAtEveryStep(t *testing.T) {
	for _, load := range workloads {
		for write := 1; write <= load.writes; write++ {
			for _, i := range interferences {
				t.Run(fmt.Sprintf("%s/%s after write %d", load.name, i.name, write), func(t *testing.T) {
					w := newWorld(t, worldOptions{paidMost: 4})
					load.begin(w)
					acted, hadID := false, false
					w.after(write, func() {
						acted = true
						hadID = w.get("video").Annotations[v1alpha1.AnnotationTaskID] != ""
						i.do(w)
					})
					w.run(time.Hour)
					w.faults.onWrite = nil
					if !acted {
						t.Fatal("that write was never made")
					}
					if i.undo != nil {
						i.undo(w)
					}
					w.run(4 * time.Hour)
					w.resubmitIfUnknown("video")
					more := i.moreWithoutID
					if hadID {
						more = i.more
					}
					if load.paidMost > 1 { // a life of two purchases may begin anew after the first
						more *= load.paidMost
					}
					if paid := w.paid(); paid > load.paid+more {
						t.Errorf("%d tasks were paid for, want no more than %d", paid, load.paid+more)
					}
					vg := w.wantReady("video", load.status, load.reason)
					if load.status == metav1.ConditionTrue && len(vg.Status.Videos) != 1+load.upgrades {
						t.Errorf("the videos are %+v", vg.Status.Videos)
					}
				})
			}
		}
	}
}
