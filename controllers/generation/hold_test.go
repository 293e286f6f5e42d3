// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// What holds a purchase back is asked in one order: the user first, the account
// next, and the bound on what a resource may buy last.
func TestWhatHoldsAPurchaseBack(t *testing.T) {
	ready := func() candidate {
		account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "films", Name: "default", Generation: 1}}
		account.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
		return candidate{vg: fixture.Video("video"), account: account, allowed: 1}
	}
	steps := []struct {
		reason, says string
		kind         state.WaitKind
		change       func(c *candidate)
	}{
		{reason: v1alpha1.ReasonPurchaseLimitReached, says: "1 purchases were made", kind: state.Stalled, change: func(c *candidate) { c.made = 1 }},
		{reason: v1alpha1.ReasonQueued, says: "has not been checked yet", change: func(c *candidate) { c.account.Status.Conditions = nil }},
		{reason: v1alpha1.ReasonUnreadableCredits, says: "spec.budget.credits", kind: state.Retrying, change: func(c *candidate) { c.account.Spec.Budget = &v1alpha1.Budget{Credits: "n/a"} }},
		{reason: v1alpha1.ReasonSuspended, says: "KieAccount films/default is suspended", kind: state.Held, change: func(c *candidate) { c.account.Spec.Suspend = ptr.To(true) }},
		{reason: v1alpha1.ReasonSuspended, says: "would cost 60 credits", kind: state.Held, change: func(c *candidate) {
			c.vg.Spec.Suspend, c.vg.Status.EstimatedCredits = ptr.To(true), "60"
		}},
		{reason: v1alpha1.ReasonWaitingForSource, change: func(c *candidate) {
			c.vg.Spec.Extend, c.source = &v1alpha1.Extend{}, state.Wait{Reason: v1alpha1.ReasonWaitingForSource}
		}},
	}
	c := ready()
	if w, held := c.hold(fixture.Epoch); held {
		t.Fatalf("a purchase that nothing holds back waits for %+v", w)
	}
	for _, step := range steps { // each is asked before those above it
		step.change(&c)
		w, held := c.hold(fixture.Epoch)
		if !held || w.Reason != step.reason || w.Kind != step.kind || !strings.Contains(w.Message, step.says) {
			t.Errorf("it waits for %+v (held is %t), want %s, %q", w, held, step.reason, step.says)
		}
	}
}
