// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
)

// A process that is told to stop while the intent is written sends what it has
// begun. One that was told before begins nothing.
func TestToldToStopWhileTheIntentIsWritten(t *testing.T) {
	for when, at := range map[string]func(w *world, e write) error{
		"before": func(w *world, e write) error { w.sigterm(); return e.do() },
		"after":  func(w *world, e write) error { defer w.sigterm(); return e.do() },
		"it is stored, and not heard of": func(w *world, e write) error {
			if err := e.do(); err != nil {
				return err
			}
			w.sigterm()
			return e.ctx.Err()
		},
	} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults.onEffect = func(e write) error {
				if e.number == 1 {
					return at(w, e)
				}
				return e.do()
			}
			w.create("video")
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
		})
	}
}

// A process that was frozen between the intent and the request does not send
// what its successor has given up.
func TestFrozenBeforeTheRequest(t *testing.T) {
	for write, name := range map[int]string{1: "while the intent is written", 2: "while it is mirrored"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults.onWrite = func(n int, do func() error) error {
				err := do()
				if n == write {
					w.clock.SetTime(w.clock.Now().Add(3 * time.Minute))
				}
				return err
			}
			w.create("video")
			w.pass(0)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			if task := w.sim.State().Tasks[0]; task.CreatedAt.After(w.get("video").Status.Task.SubmittedAt.Add(admission.SubmitTimeout)) {
				t.Errorf("it was sent at %s, and decided at %s", task.CreatedAt, w.get("video").Status.Task.SubmittedAt)
			}
		})
	}
}

// However a mistake elsewhere comes about, no more is bought than the user has
// asked for.
func TestThePurchaseLimit(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = new(true) })
	w.pass(0)
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Purchases = 1 // as if one were forgotten
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonPurchaseLimitReached)
	w.wantPaid(0)
	w.wantEvent("Warning PurchaseLimitReached", "kie.ai/logs")
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Retry.MaxAttempts = 2 })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}
