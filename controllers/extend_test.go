// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// A chain of five that is applied in the wrong order completes, each part once,
// each from the task before it.
func TestAChain(t *testing.T) {
	for _, markers := range []string{"", "[sim:extend-urls=full]", "[sim:extend-urls=result]"} {
		t.Run(markers, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			for _, part := range []int{4, 2, 5, 3, 1} {
				change := []func(*v1alpha1.VideoGeneration){prompt(markers)}
				if part > 1 {
					change = append(change, fixture.Extending(fmt.Sprintf("part-%d", part-1)))
				}
				w.create(fmt.Sprintf("part-%d", part), change...)
			}
			w.run(2 * time.Hour)
			w.wantPaid(5)
			w.wantBalance(5 * 60)
			byAttempt := map[string]kiesim.Task{}
			for _, bought := range w.sim.State().Tasks {
				byAttempt[bought.Attempt] = bought
			}
			for part := 1; part <= 5; part++ {
				vg := w.wantReady(fmt.Sprintf("part-%d", part), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				bought := byAttempt[vg.Status.Task.Attempt]
				if part == 1 {
					continue
				}
				before := w.get(fmt.Sprintf("part-%d", part-1))
				if bought.Extends != before.Status.Task.ID || vg.Status.Source.TaskID != before.Status.Task.ID || vg.Status.Task.Operation != v1alpha1.OperationExtend {
					t.Errorf("part %d continues task %s (its status says %+v), want %s", part, bought.Extends, vg.Status.Source, before.Status.Task.ID)
				}
				whole := vg.Status.Videos[0].Duration.Duration > 8500*time.Millisecond
				if stepOnly := strings.Contains(markers, "result"); len(vg.Status.Videos) != 1 || whole == stepOnly {
					t.Errorf("part %d has the videos %+v, want the whole film wherever KIE.AI gives it", part, vg.Status.Videos)
				}
			}
		})
	}
}

// Those that wait for a video are not in its way, however old they are and
// however few videos the account makes at a time.
func TestExtensionsDoNotBlockTheirSource(t *testing.T) {
	w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{Submissions: 1, InFlight: 1}})
	for i := range 4 {
		w.create(fmt.Sprintf("a-extension-%d", i), fixture.Extending("z-source"))
	}
	w.pass(2 * time.Second)
	w.wantReady("a-extension-0", metav1.ConditionUnknown, v1alpha1.ReasonWaitingForSource)
	w.create("z-source")
	w.run(3 * time.Hour)
	for i := range 4 {
		w.wantReady(fmt.Sprintf("a-extension-%d", i), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	}
	w.wantPaid(5)
}

func TestExtensions(t *testing.T) {
	t.Run("the source is refused", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source", prompt("[sim:fail=400]"))
		w.create("video", fixture.Extending("source"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(1)
	})
	t.Run("the source fails and is bought again", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.create("source", prompt("[sim:fail=501]"))
		w.create("video", fixture.Extending("source"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.update("source", fixture.Resubmit)
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(2)
	})
	t.Run("a circle", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("a", fixture.Extending("b"))
		w.create("b", fixture.Extending("a"))
		w.run(time.Hour)
		w.wantReady("a", metav1.ConditionFalse, v1alpha1.ReasonInvalidSource)
		w.wantReady("b", metav1.ConditionFalse, v1alpha1.ReasonInvalidSource)
		w.wantPaid(0)
	})
	t.Run("the source is deleted after it was found", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", fixture.Extending("source"), func(vg *v1alpha1.VideoGeneration) { suspended := true; vg.Spec.Suspend = &suspended })
		w.pass(0)
		w.must(w.live.Delete(t.Context(), w.get("source")))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("KIE.AI does not know the source", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", fixture.Extending("source"), func(vg *v1alpha1.VideoGeneration) { suspended := true; vg.Spec.Suspend = &suspended })
		w.pass(0)
		w.clock.SetTime(w.clock.Now().Add(15 * 24 * time.Hour))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(1)
	})
	t.Run("another account is asked for", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", fixture.Extending("source"), withAccount("other"))
		w.run(time.Minute)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountMismatch)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.AccountRef = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("in 4k", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.create("video", fixture.Extending("source"), fixture.In(v1alpha1.Resolution4K))
		w.run(2 * time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if len(vg.Status.Videos) != 2 || vg.Status.Videos[0].Resolution != "4k" {
			t.Errorf("the videos are %+v", vg.Status.Videos)
		}
		w.wantBalance(60 + 60 + 120)
	})
	for _, lost := range []string{"drop", "500", "code-500", "garbage", "no-task-id"} {
		t.Run("the answer is lost: "+lost, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("source")
			w.create("video", fixture.Extending("source"), prompt("[sim:accept-then="+lost+"]"))
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(2)
		})
	}
}

// An extension that took a task over which does not exist can be bought.
func TestAnAdoptedExtensionIsResubmitted(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("source")
	w.run(time.Hour)
	w.create("video", fixture.Extending("source"), fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		delete(vg.Annotations, v1alpha1.AnnotationAdoptTaskID)
		fixture.Resubmit(vg)
	})
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}
