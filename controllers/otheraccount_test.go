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

// A purchase in doubt is made again by another account when its own is gone, and
// by one that becomes ready later.
func TestAnotherAccountBuysAgain(t *testing.T) {
	for name, gone := range map[string]bool{"the first is gone": true, "the other is ready later": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2})
			w.sim.SetFaults(kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true})
			w.create("video")
			w.run(time.Hour)
			w.sim.SetFaults(kiesim.Faults{})
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			if gone {
				w.must(w.live.Delete(t.Context(), w.account()))
				w.pass(time.Second)
			}
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				fixture.Resubmit(vg)
				vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
			})
			w.pass(time.Second)
			w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
			w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "other"},
				Spec:       v1alpha1.KieAccountSpec{CredentialsSecretRef: v1alpha1.SecretReference{Name: "kie-credentials"}, BaseURL: w.kieServer.URL},
			}))
			w.pass(0)
			w.wantPaid(2)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// Without its account a task that was given up waits for it when it is asked for
// again.
func TestTheAccountOfAGivenUpTaskIsGone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=3h]"))
	w.run(40 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.must(w.live.Delete(t.Context(), w.account()))
	w.pass(time.Second)
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Hour} })
	w.pass(time.Second)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
}

// An account of the name of an earlier one has books of its own, and nothing is
// kept of one that is gone.
func TestAnAccountOfTheSameName(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.clock.SetTime(w.clock.Now().Add(-time.Minute)) // the account is created anew by another clock, that of the API server
	w.create("video")
	w.pass(0)
	old := w.account()
	w.must(w.live.Delete(t.Context(), old))
	w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: old.Name}, Spec: old.Spec}))
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.run(time.Hour)
	if spent := w.account().Status.CreditsSpent; spent != "0" {
		t.Errorf("the new account has spent %s credits, want 0", spent)
	}
	w.must(w.live.Delete(t.Context(), w.account()))
	w.pass(time.Second)
	if n := w.proc.accounts.Ledger.Accounts(); n > 0 {
		t.Errorf("%d accounts are remembered, and there is none", n)
	}
}
