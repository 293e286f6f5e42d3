// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// A user asks to buy again on another account what was lost on the first one,
// whose callback is there: nothing has to be bought, and nothing is asked of
// the account that does not know the task.
func TestResubmitOnAnotherAccount(t *testing.T) {
	for name, suspended := range map[string]bool{"at once": false, "held back": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now})
			w.secondAccount("other", other)
			w.create("video", prompt("[sim:accept-then=drop] [sim:latency=40m]"))
			w.run(35 * time.Minute)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			task := w.sim.State().Tasks[0]
			w.clock.SetTime(task.CreatedAt.Add(41 * time.Minute))
			w.sim.Deliver(t.Context())
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				fixture.Resubmit(vg)
				vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
				vg.Spec.Suspend = ptr.To(suspended)
			})
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if paid := len(other.State().Tasks); paid != 0 || vg.Status.Task.ID != task.ID || vg.Status.Account.String() != w.namespace+"/default" {
				t.Errorf("%d tasks were paid for on the other account; the resource has task %s of %s", paid, vg.Status.Task.ID, vg.Status.Account)
			}
		})
	}
	t.Run("which has to buy it", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now, Latency: time.Minute})
		w.secondAccount("other", other)
		w.create("video", prompt("[sim:accept-then=drop] [sim:callback=never]"))
		w.run(35 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		w.update("video", func(vg *v1alpha1.VideoGeneration) {
			fixture.Resubmit(vg)
			vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
		})
		w.run(time.Hour)
		vg := w.get("video")
		if paid := len(other.State().Tasks); paid != 1 || vg.Status.Account.String() != w.namespace+"/other" || vg.Status.Task.Number != 2 {
			t.Errorf("%d tasks were paid for on the other account; the resource is at %s with purchase %d", paid, vg.Status.Account, vg.Status.Task.Number)
		}
	})
}

// secondAccount makes another account, of another simulated KIE.AI, that is
// known to be able to buy.
func (w *world) secondAccount(name string, sim *kiesim.Simulator) {
	w.t.Helper()
	account := &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.KieAccountSpec{
			CredentialsSecretRef: v1alpha1.SecretReference{Name: "kie-credentials"}, BaseURL: newSimServer(w.t, sim),
		},
	}
	w.must(w.live.Create(w.t.Context(), account))
	w.sync()
	_, err := w.proc.accounts.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(account)})
	w.must(err)
}

// moveTo asks to buy again with another account.
func moveTo(account string) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) {
		fixture.Resubmit(vg)
		vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: account}
	}
}

// createAccount makes a KieAccount of this world.
func (w *world) createAccount(name, secret string, budget *v1alpha1.Budget) {
	w.t.Helper()
	w.must(w.live.Create(w.t.Context(), &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.KieAccountSpec{
			CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}, BaseURL: w.kieServer.URL, UploadBaseURL: w.kieServer.URL, Budget: budget,
		},
	}))
}
