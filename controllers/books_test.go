// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/veo"
)

// A budget begins no period twice, whatever the clock of a leader says.
func TestAPeriodBeginsOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.updateAccount(func(a *v1alpha1.KieAccount) {
		a.Spec.Budget = &v1alpha1.Budget{Credits: "60", Period: metav1.Duration{Duration: 24 * time.Hour}}
	})
	midnight := w.clock.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, at := range []time.Duration{10 * time.Minute, -5 * time.Minute, 12 * time.Minute, 18 * time.Minute} {
		w.clock.SetTime(midnight.Add(at))
		w.restart()
		w.create("video-" + strings.ReplaceAll(at.String(), ".", "-"))
		for range 3 {
			w.pass(time.Second)
		}
	}
	w.wantPaid(1)
}

// What was spent is the same after any restart, with a budget and without.
func TestWhatWasSpentOutlivesTheProcess(t *testing.T) {
	for name, budget := range map[string]*v1alpha1.Budget{"no budget": nil, "a budget": {Credits: "1000", Period: metav1.Duration{Duration: 24 * time.Hour}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.clock.SetTime(w.clock.Now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour + 500*time.Millisecond))
			w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Budget = budget })
			for i := range 6 {
				w.create("video-"+string(rune('a'+i)), maxAttempts(1))
				w.pass(700 * time.Millisecond)
				w.restart()
			}
			w.run(time.Hour)
			w.wantPaid(6)
			w.pass(time.Minute)
			if spent := w.account().Status.CreditsSpent; spent != "360" {
				t.Errorf("the books say %s credits, want 360", spent)
			}
		})
	}
}

// Without a price nothing is bought, and books that cannot be read allow nothing.
func TestNoPriceIsNotZero(t *testing.T) {
	t.Run("the estimate is no source", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) {
			a.Spec.Budget = &v1alpha1.Budget{Credits: "30", Period: metav1.Duration{Duration: 24 * time.Hour}}
		})
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = new(true) })
		w.pass(0)
		vg := w.get("video")
		before := vg.DeepCopy()
		vg.Status.EstimatedCredits = "n/a"
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.pass(time.Second)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
		w.wantPaid(0)
	})
	t.Run("the books cannot be read", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) {
			a.Spec.Budget = &v1alpha1.Budget{Credits: "60", Period: metav1.Duration{Duration: 24 * time.Hour}}
		})
		w.pass(0)
		account := w.account()
		before := account.DeepCopy()
		account.Status.CreditsSpent = "n/a"
		w.must(w.live.Status().Patch(t.Context(), account, client.MergeFrom(before)))
		w.create("video")
		w.pass(time.Second)
		vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUnreadableCredits)
		if !strings.Contains(vg.Status.Conditions[0].Message, "status.creditsSpent") {
			t.Errorf("it says %q", vg.Status.Conditions[0].Message)
		}
		w.wantPaid(0)
	})
	t.Run("a resolution without one", func(t *testing.T) {
		vg := fixture.Video("video")
		vg.Spec.Resolution = "8k"
		if _, ok := accounts.PriceOf(vg, veo.DefaultPrices()); ok {
			t.Error("there is a price for 8k")
		}
	})
}

// What KIE.AI charged beyond the price table is booked, and said once.
func TestThePriceDiffers(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.updateAccount(func(a *v1alpha1.KieAccount) {
		a.Spec.Budget = &v1alpha1.Budget{Credits: "1000", Period: metav1.Duration{Duration: 24 * time.Hour}}
	})
	for _, name := range []string{"a", "b"} {
		w.create(name, prompt("[sim:credits-consumed=90]"))
	}
	w.run(time.Hour)
	if spent := w.account().Status.CreditsSpent; spent != "180" {
		t.Errorf("the books say %s credits, want 180", spent)
	}
	said := 0
	for _, e := range w.events {
		if strings.HasPrefix(e, "Warning PriceDiffers") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it was said %d times, want once", said)
	}
}

// A leader that was paused buys once more before it notices: the one that leads
// now counts that, too.
func TestWhatAPausedLeaderSpends(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.settle()
	paused := w.proc
	w.restart()
	w.pass(accountctl.CountEvery)
	w.create("video")
	w.catchUp()
	w.reconcileWith(paused.queue, types.NamespacedName{Namespace: w.namespace, Name: "video"})
	w.run(time.Hour)
	w.wantPaid(1)
	w.pass(2 * accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != "60" {
		t.Errorf("the books say %s credits, want 60", spent)
	}
}

// A process that is told to stop before it buys has nothing to give back.
func TestNothingIsGivenBackThatWasNotSpent(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("first")
	w.settle()
	w.pass(2 * accountctl.CountEvery)
	w.create("video", images(fromConfigMap("frames", "a.png")))
	w.configMap("frames", map[string][]byte{"a.png": pngFile(t)})
	w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		serve.ServeHTTP(rw, r)
		w.onRequest = nil
		w.stop() // between the upload and the intent
	}
	ledger := w.proc.videos.Ledger
	w.settle()
	if spent, _ := ledger.Unbooked(v1alpha1.IdentityOf(w.account()), w.clock.Now().Add(time.Hour)); spent.IsNegative() {
		t.Errorf("%s credits were given back", spent)
	}
}
