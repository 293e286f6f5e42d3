// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// emptyStatus does what somebody with the right to write a status may do.
func (w *world) emptyStatus(name string) {
	w.t.Helper()
	vg := w.get(name)
	before := vg.DeepCopy()
	vg.Status = v1alpha1.VideoGenerationStatus{ObservedGeneration: 1}
	w.must(w.live.Status().Patch(w.t.Context(), vg, client.MergeFrom(before)))
}

// A status that is emptied, by whomever, does not make the operator buy again.
func TestTheStatusIsEmptied(t *testing.T) {
	for name, tt := range map[string]struct {
		faults  kiesim.Faults
		restart bool
		reason  string
	}{
		"while the answer is lost":                {kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop}, false, v1alpha1.ReasonSucceeded},
		"while the answer is lost, and a restart": {kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop}, true, v1alpha1.ReasonSucceeded},
		"while it is being made":                  {kiesim.Faults{}, false, v1alpha1.ReasonSucceeded},
		"while it is being made, and a restart":   {kiesim.Faults{}, true, v1alpha1.ReasonSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.sim.SetFaults(tt.faults)
			w.create("video")
			w.pass(0)
			w.sim.SetFaults(kiesim.Faults{})
			if tt.restart {
				w.restart()
			}
			w.emptyStatus("video")
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, tt.reason)
			w.wantPaid(1)
		})
	}
	t.Run("between the id and its annotation", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.after(3, func() { w.emptyStatus("video") })
		w.create("video")
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(1)
	})
	t.Run("restored to before another try", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.sim.SetFaults(kiesim.Faults{Fail: 501})
		w.create("video", maxAttempts(2))
		w.run(90 * time.Second)
		before := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
		w.sim.SetFaults(kiesim.Faults{})
		w.run(10 * time.Minute)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		was := vg.DeepCopy()
		vg.Status = before.Status
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(was)))
		w.written.regressions = nil
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(2)
		w.written.regressions = nil
	})
}
