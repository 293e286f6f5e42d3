// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// adopt gives a resource a task.
func adopt(id string) func(*v1alpha1.VideoGeneration) {
	return fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, id)
}

// kie-operator.github.io/adopt-task-id acts once. A purchase that is lost later is another one.
func TestAnAdoptionActsOnce(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.create("other", prompt("[sim:fail=501]"))
	w.run(time.Hour)
	failed := w.get("other").Status.Task.ID
	w.create("video", adopt(failed))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed)
	w.sim.SetFaults(kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop})
	w.update("video", fixture.Resubmit)
	w.run(time.Hour)
	w.sim.SetFaults(kiesim.Faults{})
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if bought := w.sim.State().Tasks[1].ID; vg.Status.Task.ID != bought {
		t.Errorf("the task is %s, and %s was bought", vg.Status.Task.ID, bought)
	}
}

// The same id can be adopted again, after its annotation was removed.
func TestAnAdoptionIsAskedForAgain(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("other", prompt("[sim:record=null-for=30m]"))
	w.pass(0)
	id := w.sim.State().Tasks[0].ID
	w.create("video", adopt(id))
	w.run(15 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
	w.clock.SetTime(w.clock.Now().Add(time.Hour))
	w.update("video", func(vg *v1alpha1.VideoGeneration) { delete(vg.Annotations, v1alpha1.AnnotationAdoptTaskID) })
	w.pass(0)
	w.update("video", adopt(id))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}
