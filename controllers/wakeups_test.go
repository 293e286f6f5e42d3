// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// Whoever could go on is looked at at once, by a watch, and not when some time
// has passed: in these tests none does.

// settle looks at all that is due, until nothing is, without letting time pass.
func (w *world) settle() {
	w.t.Helper()
	for w.round() {
	}
}

func TestAFreePlaceWakesTheNext(t *testing.T) {
	for name, leave := range map[string]func(w *world){
		"it is finished": func(w *world) { w.clock.SetTime(w.sim.State().Tasks[0].CreatedAt.Add(71 * time.Second)) },
		"it is deleted":  func(w *world) { w.must(w.live.Delete(w.t.Context(), w.get("a"))) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 1}})
			w.create("a")
			w.settle()
			w.create("b")
			w.settle()
			w.wantPaid(1)
			w.clock.SetTime(w.clock.Now().Add(admission.QueueResync))
			w.settle() // who waits has had his look, and the next is not due for a while
			w.wantPaid(1)
			leave(w)
			w.settle()
			w.wantPaid(2)
		})
	}
}

func TestAFinishedSourceWakesItsExtension(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("part-2", fixture.Extending("part-1"))
	w.settle()
	w.create("part-1")
	w.settle()
	w.clock.SetTime(w.clock.Now().Add(71 * time.Second))
	w.settle()
	w.wantPaid(2)
}

func TestAnAccountWakesWhoWaitsForIt(t *testing.T) {
	t.Run("it is created", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		account := w.account()
		w.must(w.live.Delete(t.Context(), account))
		w.create("video")
		w.settle()
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
		w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: account.Name}, Spec: account.Spec}))
		w.settle()
		w.wantPaid(1)
	})
	t.Run("its spec is corrected", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.CredentialsSecretRef.Name = "none" })
		w.create("video")
		w.settle()
		w.wantReady("video", metav1.ConditionUnknown, "SecretNotFound")
		w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.CredentialsSecretRef.Name = "kie-credentials" })
		w.settle()
		w.wantPaid(1)
	})
	t.Run("it becomes ready", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.CredentialsSecretRef.Name = "none" })
		w.create("video")
		w.settle()
		w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.CredentialsSecretRef.Name = "kie-credentials" })
		for range 3 { // it sees the correction, and what it writes of that; nobody has asked KIE.AI yet
			w.sync()
			w.reconcile(client.ObjectKeyFromObject(w.get("video")))
		}
		w.wantPaid(0)
		w.settle()
		w.wantPaid(1)
	})
}

func TestARefusedPurchaseWakesItsAccount(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.settle()
	w.sim.SetFaults(kiesim.Faults{Submit: 401})
	w.create("video")
	w.settle()
	w.wantAccount(metav1.ConditionFalse, "Unauthorized")
}

func TestARefusedQuestionWakesItsAccount(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true})
	w.create("video")
	w.settle()
	w.onRequest = func(_ int, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"code":401,"msg":"You do not have access permissions"}`))
	}
	w.clock.SetTime(w.clock.Now().Add(2 * state.PollEveryWithout))
	before := w.sim.State().Requests["credit"]
	w.settle()
	if asked := w.sim.State().Requests["credit"] - before; asked < 2 {
		t.Errorf("KIE.AI was asked %d times about the account, want twice at least: when it was due, and when the question was refused", asked)
	}
}

func TestAPurchaseIsCountedAtOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.settle()
	w.clock.SetTime(w.clock.Now().Add(accountctl.CountEvery))
	w.create("video")
	w.settle()
	if counted := w.account().Status.InFlight; ptr.Deref(counted, 0) != 1 {
		t.Errorf("the account has %v in flight", counted)
	}
}

func TestStorageIsTriedWhenItIsCorrected(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.setStorage(&v1alpha1.Storage{URL: "file://" + storageFolder + "-none"})
	w.create("video")
	w.run(3 * time.Minute)
	w.wantFailure(w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed), transfer.InvalidStorage)
	w.setStorage(inFolder(v1alpha1.DeletionRetain))
	w.settle()
	w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
	w.setStorage(inFolder(v1alpha1.DeletionDelete))
	w.settle()
	if vg := w.get("video"); len(vg.Finalizers) != 1 {
		t.Errorf("the finalizers are %q", vg.Finalizers)
	}
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.settle()
	if !w.isGone("video") {
		t.Error("the resource is still there")
	}
}
