// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// What stands in the way of the operator for good, and not for a moment: a
// policy, a gateway, a record that is gone.

// errPolicy is how the API server answers a write that a policy refuses.
var errPolicy = apierrors.NewForbidden(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "videogenerations"}, "video", errText("a policy denied the request"))

type errText string

func (e errText) Error() string { return string(e) }

// refuseMain refuses every write to the resource itself, and not to its status.
func (w *world) refuseMain(err error) { w.faults.onMain = func() error { return err } }

// A policy may refuse every write to the resource itself. What is paid for comes
// to its end all the same, and what is missing is said.
func TestThePolicyRefusesTheResource(t *testing.T) {
	for name, err := range map[string]error{
		"a policy":  errPolicy,
		"no room":   apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: "VideoGeneration"}, "video", nil),
		"a webhook": apierrors.NewInternalError(errText("failed calling webhook")),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.refuseMain(err)
			w.create("video", fixture.In(v1alpha1.Resolution4K))
			w.run(time.Minute)
			if vg := w.get("video"); !meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored) {
				t.Errorf("after a minute the conditions are %+v", vg.Status.Conditions)
			}
			w.wantEvent("Warning TaskIDNotMirrored", v1alpha1.AnnotationTaskID)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantUpgrades(1)
			w.faults.onMain = nil
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if !state.IsMirrored(vg) || vg.Annotations[v1alpha1.AnnotationTaskID] == "" {
				t.Errorf("the annotations are %v", vg.Annotations)
			}
			if meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored) != nil {
				t.Error("it still says that the task id is not mirrored")
			}
		})
	}
}

// A 422 for the status is only somebody faster if the resource says so. Else it
// is said, and tried again at a pace that grows.
func TestThePolicyRefusesTheStatus(t *testing.T) {
	w := newWorld(t, worldOptions{})
	refused := apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: "VideoGeneration"}, "video", nil)
	w.faults.onWrite = func(n int, do func() error) error {
		if n >= 3 { // after the intent and its annotation
			return refused
		}
		return do()
	}
	w.create("video")
	w.pass(0)
	id := w.sim.State().Tasks[0].ID
	w.wantEvent("Warning StatusNotWritten", id)
	writes := w.faults.writes.Load()
	w.pass(10 * time.Second)
	if more := w.faults.writes.Load() - writes; more > 20 {
		t.Errorf("%d writes in 10 seconds", more)
	}
	w.faults.onWrite = nil
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Task.ID != id {
		t.Errorf("the task is %s, and %s is paid for", vg.Status.Task.ID, id)
	}
}

// A finalizer that is refused is said where the storing is said. Who does not
// need it has the video stored without.
func TestTheFinalizerIsRefused(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.refuseMain(errPolicy)
	w.create("video")
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	w.wantFailure(vg, storagectl.FinalizerRefused)
	w.wantEvent("Warning StorageFailed", v1alpha1.FinalizerStoredVideos)
	if files := w.filesStored(); len(files) > 0 {
		t.Errorf("stored without the finalizer: %v", files)
	}
	w.setPolicy(v1alpha1.DeletionRetain)
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
}
