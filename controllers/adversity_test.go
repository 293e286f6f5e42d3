// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func (w *world) wantPaid(want int) {
	w.t.Helper()
	if got := w.paid(); got != want {
		w.t.Errorf("%d tasks were paid for, want %d", got, want)
	}
}

// downFrom makes the API server fail from a write on, until the world is mended.
func (w *world) downFrom(first int) {
	w.faults.onWrite = func(n int, do func() error) error {
		if n >= first {
			return errServer
		}
		return do()
	}
}

func (w *world) mend() { w.faults.onWrite = nil }

// The write that takes back an intent arrives when the next one is being bought.
func TestALateWriteChangesNothing(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.sim.SetFaults(kiesim.Faults{Submit: 429})
	var first *v1alpha1.Task
	var underWay []byte
	late := false
	w.faults.onWrite = func(n int, do func() error) error {
		if n >= 3 && n <= 5 { // after the intent and its annotation
			var err error
			underWay, err = (*w.faults.patch.Load()).Data(nil) // a JSON Patch is the same for every object
			w.must(err)
			return errTimeout
		}
		if err := do(); err != nil {
			return err
		}
		vg := w.get("video")
		switch task := vg.Status.Task; {
		case n == 1:
			first = task.DeepCopy()
		case !late && task != nil && !task.SubmittedAt.Equal(&first.SubmittedAt):
			late = true
			if err := w.live.Status().Patch(t.Context(), vg, client.RawPatch(types.JSONPatchType, underWay)); err == nil {
				t.Error("the late write took back the next purchase")
			}
		}
		return nil
	}
	w.pass(0)
	w.sim.SetFaults(kiesim.Faults{})
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	if !late {
		t.Error("there was no second purchase for the late write to meet")
	}
}

// The id of the task is in memory only when the user asks to buy again.
func TestResubmitWhatIsKnownToBePaidFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.downFrom(2)
	w.round()
	w.mend()
	w.update("video", fixture.Resubmit)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
}

// The id of the task is in memory only when somebody empties the status.
func TestAnEmptiedStatus(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.downFrom(2)
	w.round()
	w.mend()
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Task = nil
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
}

// The callback of what was given up comes while the purchase that was asked for
// instead is held back: nothing has to be bought.
func TestACallbackBeatsAResubmission(t *testing.T) {
	for _, markers := range []string{"[sim:accept-then=drop] [sim:latency=40m]", "[sim:latency=45m]"} {
		t.Run("suspended "+markers, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt(markers))
			w.run(35 * time.Minute)
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				fixture.Resubmit(vg)
				vg.Spec.Suspend = ptr.To(true)
			})
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
		})
	}
	t.Run("queued", func(t *testing.T) {
		w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 1}})
		w.create("video", prompt("[sim:latency=45m]"))
		w.run(31 * time.Minute)
		w.create("other", prompt("[sim:latency=20m]"))
		w.pass(10 * time.Second)
		w.update("video", fixture.Resubmit)
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(2)
	})
}

// A callback that came too early does not make the real one a duplicate after
// the task was given up.
func TestACallbackAfterAnEarlyOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=45m]"))
	w.pass(0)
	task := w.get("video").Status.Task
	w.callBack(task.Attempt, task.ID)
	w.run(40 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// The endpoint for records is sick for a time, in ways that look like an answer
// about the task when the callback comes.
func TestRecordsAreSickForATime(t *testing.T) {
	for _, code := range []string{"400", "404", "422", "451", "501", "505"} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt("[sim:latency=70s] [sim:record-code="+code+"-for=90s]"))
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// A task of which nothing can be learned is asked about ever more rarely, does
// not end, and holds nobody up.
func TestATaskOfWhichNothingIsLearned(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("a-sick", prompt("[sim:record-code=500-for=1000h]"))
	w.run(6 * time.Minute)
	w.create("b-good")
	w.run(54 * time.Minute)
	w.wantReady("b-good", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	sick := w.wantReady("a-sick", metav1.ConditionUnknown, "Unavailable")
	if asked := w.sim.State().RecordInfoPolls[sick.Status.Task.ID]; asked > 70 {
		t.Errorf("KIE.AI was asked %d times in an hour, want about once a minute", asked)
	}
}

// A resource that is refused again and again does not starve the others.
func TestARefusedResourceLetsTheOthersGo(t *testing.T) {
	for _, code := range []string{"402", "403", "429"} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("a-refused", prompt("[sim:submit="+code+"]"))
			w.pass(2 * time.Second)
			for i := range 3 {
				w.create(fmt.Sprintf("b-good-%d", i))
			}
			w.run(20 * time.Minute)
			for i := range 3 {
				w.wantReady(fmt.Sprintf("b-good-%d", i), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			}
		})
	}
}

// A purchase that was lost keeps its place in flight. When its user asks to buy
// again, nobody who waits for that place is in its way, nor it in theirs.
func TestALostPurchaseIsInNobodysWay(t *testing.T) {
	for name, suspended := range map[string]bool{"bought again": false, "to be bought again and suspended": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2, accountLimit: &v1alpha1.AccountLimits{InFlight: 1}})
			w.sim.SetFaults(kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true})
			w.create("lost")
			w.pass(time.Minute)
			w.sim.SetFaults(kiesim.Faults{})
			w.create("first", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Priority = ptr.To[int32](9) })
			w.pass(time.Minute)
			w.wantReady("first", metav1.ConditionUnknown, v1alpha1.ReasonQueued)
			w.update("lost", fixture.Resubmit)
			if suspended {
				w.update("lost", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
			}
			w.run(2 * time.Hour)
			w.wantReady("first", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if suspended {
				w.wantReady("lost", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
				w.wantPaid(2)
				return
			}
			w.wantReady("lost", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(3)
		})
	}
}
