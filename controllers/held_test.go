// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// A resource that somebody else's finalizer holds learns the end of what is paid
// for, and buys nothing more.
func TestHeldBySomebodyElse(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", maxAttempts(3), func(vg *v1alpha1.VideoGeneration) { vg.Finalizers = []string{"example.com/hold"} })
	w.pass(0)
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
}
