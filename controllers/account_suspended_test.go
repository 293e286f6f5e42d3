// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

func (w *world) suspendAccount(suspended bool) {
	w.t.Helper()
	w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Suspend = ptr.To(suspended) })
}

// A suspended account spends nothing: no first purchase, no other try, no purchase
// by name, and no upgrade.
func TestASuspendedAccountSpendsNothing(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.create("made")
	w.create("to-enlarge", fixture.In(v1alpha1.Resolution1080p))
	w.create("to-retry", prompt("[sim:fail=501]"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.Retry.MaxAttempts = 2 })
	w.create("to-buy-again", prompt("[sim:fail=400]"))
	w.pass(0)
	w.wantPaid(4)
	w.suspendAccount(true)
	w.create("new")
	w.run(2 * time.Hour)

	w.wantPaid(4)
	w.wantUpgrades(0)
	w.update("to-buy-again", fixture.Resubmit)
	w.run(2 * time.Hour)
	w.wantPaid(4)
	w.wantReady("made", metav1.ConditionTrue, v1alpha1.ReasonSucceeded) // what was bought goes on
	for _, name := range []string{"new", "to-enlarge", "to-retry", "to-buy-again"} {
		vg := w.wantReady(name, metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
		if ready := vg.Status.Conditions[0]; len(vg.Status.Conditions) != 1 || !strings.Contains(ready.Message, "/default is suspended") {
			t.Errorf("%s: the conditions are %+v, want that its account is suspended, and nothing that goes on", name, vg.Status.Conditions)
		}
	}
	w.wantAccount(metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	if account := w.account(); ptr.Deref(account.Status.Queued, -1) != 0 || account.Status.Credits == "" {
		t.Errorf("the status of the account is %+v", account.Status)
	}

	w.suspendAccount(false)
	w.run(2 * time.Hour)
	w.wantPaid(7)
	w.wantUpgrades(1)
	w.wantReady("new", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("to-enlarge", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

// An upgrade that has begun is brought to its end.
func TestASuspendedAccountEndsItsUpgrades(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:4k-latency=12m]"))
	w.run(5 * time.Minute)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUpgrading)
	w.suspendAccount(true)
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantUpgrades(1)
}

// What is wrong with a suspended account is shown all the same.
func TestASuspendedAccountShowsItsTrouble(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.suspendAccount(true)
	w.setAPIKey("wrong")
	w.pass(time.Hour)
	w.wantAccount(metav1.ConditionFalse, "Unauthorized")
	w.setAPIKey(fixture.APIKey)
	w.pass(time.Hour)
	w.wantAccount(metav1.ConditionFalse, v1alpha1.ReasonSuspended)
}
