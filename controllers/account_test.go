// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func (w *world) wantAccount(status metav1.ConditionStatus, reason string) *v1alpha1.KieAccount {
	w.t.Helper()
	account := w.account()
	ready := meta.FindStatusCondition(account.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != status || ready.Reason != reason {
		w.t.Errorf("the account's Ready is %+v, want %s/%s", ready, status, reason)
	}
	return account
}

func (w *world) setAPIKey(value string) {
	w.t.Helper()
	secret := &corev1.Secret{}
	w.must(w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: "kie-credentials"}, secret))
	secret.Data[v1alpha1.SecretKeyAPIKey] = []byte(value)
	w.must(w.live.Update(w.t.Context(), secret))
}

// setPrices gives the account a price table of its own.
func (w *world) setPrices(prices ...v1alpha1.Price) {
	w.t.Helper()
	w.updateAccount(func(account *v1alpha1.KieAccount) { account.Spec.Prices = prices })
}

// updateAccount changes the account as its administrator would.
func (w *world) updateAccount(change func(*v1alpha1.KieAccount)) {
	w.t.Helper()
	account := w.account()
	before := account.DeepCopy()
	change(account)
	w.must(w.live.Patch(w.t.Context(), account, client.MergeFrom(before)))
}

func TestTheAccountSaysWhatItHas(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("one")
	w.create("two")
	w.pass(0)
	w.pass(10 * time.Second)
	account := w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if got := *account.Status.InFlight; got != 2 {
		t.Errorf("inFlight is %d, want 2", got)
	}
	w.run(10 * time.Minute)
	w.pass(5 * time.Minute)
	account = w.account()
	if *account.Status.InFlight != 0 || *account.Status.Queued != 0 || account.Status.Credits != "9880" {
		t.Errorf("the account says inFlight %d, queued %d, credits %s; want 0, 0, 9880", *account.Status.InFlight, *account.Status.Queued, account.Status.Credits)
	}
	if c := meta.FindStatusCondition(account.Status.Conditions, v1alpha1.ConditionCallbacksEnabled); c == nil || c.Reason != v1alpha1.ReasonSigned {
		t.Errorf("CallbacksEnabled is %+v, want Signed", c)
	}
}

// A video that is bought and finished between two questions for the balance is
// no reason to believe the old one.
func TestTheBalanceAfterAShortVideo(t *testing.T) {
	w := newWorld(t, worldOptions{sim: kiesim.Options{Latency: 3 * time.Second}})
	w.pass(0)
	w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.create("video")
	w.run(5 * time.Second)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.pass(accounts.BalanceEveryBusy)
	if got := w.account().Status.Credits; got != "9940" {
		t.Errorf("the account says credits %s, want 9940", got)
	}
}

func TestCallbacksConditionOfTheAccount(t *testing.T) {
	for reason, opts := range map[string]worldOptions{
		v1alpha1.ReasonUnsigned:    {unsigned: true},
		v1alpha1.ReasonPollingOnly: {noCallbacks: true},
	} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t, opts)
			w.create("video")
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if c := meta.FindStatusCondition(w.account().Status.Conditions, v1alpha1.ConditionCallbacksEnabled); c == nil || c.Reason != reason {
				t.Errorf("CallbacksEnabled is %+v, want %s", c, reason)
			}
		})
	}
}

// Each refusal of the account pauses it, says so on the account and on what
// waits, and ends when its cause is gone. Nothing is lost and nothing is bought
// twice.
func TestTheAccountIsRefused(t *testing.T) {
	t.Run("wrong API key", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.setAPIKey("wrong")
		w.create("video")
		w.run(10 * time.Minute)
		w.wantAccount(metav1.ConditionFalse, "Unauthorized")
		w.wantReady("video", metav1.ConditionUnknown, "Unauthorized")
		w.setAPIKey(fixture.APIKey)
		w.run(10 * time.Minute)
		w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("API key withdrawn in flight", func(t *testing.T) {
		w := newWorld(t, worldOptions{noCallbacks: true})
		w.create("video")
		w.pass(0)
		w.sim.SetAPIKey("another")
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionUnknown, "Unauthorized")
		w.setAPIKey("another")
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("no credits", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.sim.SetCredits(29.5)
		w.create("video")
		w.create("other")
		w.run(4 * time.Minute)
		account := w.wantAccount(metav1.ConditionFalse, "InsufficientCredits")
		if account.Status.Credits != "29.5" {
			t.Errorf("credits are %s, want 29.5", account.Status.Credits)
		}
		w.wantReady("video", metav1.ConditionUnknown, "InsufficientCredits")
		w.wantReady("other", metav1.ConditionUnknown, "InsufficientCredits")
		if asked := w.sim.State().Requests["generate"]; asked != 0 {
			t.Errorf("KIE.AI was asked %d times to sell, want never: the balance is known to be too low", asked)
		}
		w.sim.SetCredits(1000)
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	})
	t.Run("credits for the cheaper one", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.sim.SetCredits(59.5)
		w.create("a-dear")
		w.create("b-cheap", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelLite })
		w.run(4 * time.Minute)
		w.wantAccount(metav1.ConditionFalse, "InsufficientCredits") // 29.5 are left
		vg := w.wantReady("a-dear", metav1.ConditionUnknown, "InsufficientCredits")
		if vg.Status.EstimatedCredits != "60" {
			t.Errorf("the estimate is %s credits, want 60", vg.Status.EstimatedCredits)
		}
		w.wantReady("b-cheap", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.sim.SetCredits(1000)
		w.run(10 * time.Minute)
		w.wantReady("a-dear", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if refused := w.sim.State().Answers[402]; refused != 0 {
			t.Errorf("KIE.AI refused %d times for the balance, want never", refused)
		}
	})
	t.Run("prices have risen", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.setPrices(fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, "10"), fixture.Price(v1alpha1.ModelLite, v1alpha1.PricedGenerate, "10"))
		w.sim.SetCredits(59.5)
		w.create("video")
		w.create("other")
		w.run(4 * time.Minute)
		w.wantAccount(metav1.ConditionFalse, "InsufficientCredits")
		w.wantReady("video", metav1.ConditionUnknown, "InsufficientCredits")
		w.wantReady("other", metav1.ConditionUnknown, "InsufficientCredits")
		if asked := w.sim.State().Requests["generate"]; asked != 1 {
			t.Errorf("KIE.AI was asked %d times to sell, want once: the account is paused after that", asked)
		}
		w.sim.SetCredits(1000)
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	})
	for code, reason := range map[int]string{455: "Maintenance", 429: "RateLimited"} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video")
			w.sim.SetFaults(kiesim.Faults{Submit: code})
			w.pass(0)
			w.wantReady("video", metav1.ConditionUnknown, reason)
			w.sim.SetFaults(kiesim.Faults{})
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
	t.Run("by a gateway, which does not know whether it was bought", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.sim.SetFaults(kiesim.Faults{Submit: 403})
		w.pass(0)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSubmitting)
		w.sim.SetFaults(kiesim.Faults{})
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		w.update("video", fixture.Resubmit)
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(1)
	})
	t.Run("no Secret", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.must(w.live.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"}}))
		w.create("video")
		w.run(5 * time.Minute)
		w.wantAccount(metav1.ConditionFalse, "SecretNotFound")
		w.wantReady("video", metav1.ConditionUnknown, "SecretNotFound")
		w.must(w.live.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"},
			StringData: map[string]string{v1alpha1.SecretKeyAPIKey: fixture.APIKey, v1alpha1.SecretKeyWebhookHMACKey: fixture.HMACKey},
		}))
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("KIE.AI is away", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.pass(0)
		w.create("video")
		account := w.account()
		before := account.Spec.BaseURL
		account.Spec.BaseURL = "http://127.0.0.1:1"
		w.must(w.live.Update(t.Context(), account))
		w.run(5 * time.Minute)
		w.wantReady("video", metav1.ConditionUnknown, "Unavailable")
		account = w.account()
		account.Spec.BaseURL = before
		w.must(w.live.Update(t.Context(), account))
		w.run(10 * time.Minute)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}

func TestAccountResolution(t *testing.T) {
	t.Run("names one that does not exist", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", withAccount("nobody"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.AccountRef = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("stays with the account that bought", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.pass(0)
		w.update("video", withAccount("nobody"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}

// No stretch of 10 seconds has more than 20 submissions in it, KIE.AI never says
// 429, and no more are in flight than allowed, across a restart of the operator.
func TestLimitsHoldAcrossARestart(t *testing.T) {
	w := newWorld(t, worldOptions{
		sim:          kiesim.Options{Latency: 15 * time.Second},
		accountLimit: &v1alpha1.AccountLimits{InFlight: 30},
	})
	const videos = 70
	for i := range videos {
		w.create(fmt.Sprintf("video-%02d", i))
	}
	most := 0
	for round := range 1000 {
		if round == 1 || round == 3 {
			w.restart()
		}
		moved := w.round()
		running := 0
		for _, task := range w.sim.State().Tasks {
			if task.State == kiesim.TaskRunning {
				running++
			}
		}
		most = max(most, running)
		if !moved {
			w.clock.SetTime(w.clock.Now().Add(time.Second))
		}
		if s := w.sim.State(); len(s.Tasks) == videos && s.Callbacks.Acknowledged == videos {
			break
		}
	}
	w.run(time.Hour)
	for i := range videos {
		w.wantReady(fmt.Sprintf("video-%02d", i), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	}
	state := w.sim.State()
	if state.MaxInWindow.Submissions > 20 || state.Refused429 > 0 || most > 30 || len(state.Tasks) != videos {
		t.Errorf("most submissions in a window %d (want at most 20), 429s %d (want 0), most in flight %d (want at most 30), tasks %d (want %d)",
			state.MaxInWindow.Submissions, state.Refused429, most, len(state.Tasks), videos)
	}
}

// No question goes to an account over plain http, not even about a task that is
// taken over.
func TestAnInsecureAccountIsNotAsked(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.proc.videos.AllowInsecure, w.proc.accounts.AllowInsecure = false, false
	w.create("video", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.TaskID))
	w.run(10 * time.Minute)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonInsecureBaseURL)
	if requests := w.sim.State().Requests; len(requests) != 0 {
		t.Errorf("KIE.AI was asked %v", requests)
	}
}

// noNamespaces is a cache that has no namespace yet.
type noNamespaces struct{ client.Client }

// Get finds nothing.
func (noNamespaces) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "new")
}

// A namespace that the cache does not have yet is asked for again.
func TestANamespaceThatTheCacheDoesNotHave(t *testing.T) {
	account := &v1alpha1.KieAccount{Spec: v1alpha1.KieAccountSpec{AllowedNamespaces: v1alpha1.AllowedNamespaces{
		From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "film"}},
	}}}
	allowed, err := accounts.Allows(t.Context(), noNamespaces{}, account, corev1.NamespaceDefault)
	if allowed || err != nil {
		t.Errorf("allowed is %v, %v; want not yet", allowed, err)
	}
}
