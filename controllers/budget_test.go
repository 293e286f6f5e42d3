// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// beginPeriod moves the clock to the first hour of a day, so that no period turns
// before the test wants it to, whatever the time is.
func (w *world) beginPeriod() {
	w.t.Helper()
	_, turns := accounts.PeriodOf(&v1alpha1.KieAccount{}, w.clock.Now())
	w.clock.SetTime(turns.Add(time.Minute))
}

// A budget for seven of ten videos buys seven; the others say when they go on,
// and do.
func TestABudget(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.updateAccount(func(account *v1alpha1.KieAccount) { account.Spec.Budget = fixture.Budget("479", 24*time.Hour) })
	for i := range 10 {
		w.create(fmt.Sprintf("video-%d", i))
	}
	_, turns := accounts.PeriodOf(w.account(), w.clock.Now())
	w.run(20 * time.Minute)
	w.wantPaid(7)
	held := 0
	for i := range 10 {
		vg := w.get(fmt.Sprintf("video-%d", i))
		if vg.Status.Task != nil {
			w.wantReady(vg.Name, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			continue
		}
		held++
		w.wantReady(vg.Name, metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
		if message := vg.Status.Conditions[0].Message; !strings.Contains(message, turns.Format(time.RFC3339)) {
			t.Errorf("the message does not say that it goes on at %s: %s", turns, message)
		}
	}
	if account := w.account(); held != 3 || account.Status.CreditsSpent != "420" {
		t.Errorf("%d videos wait and %s credits are spent, want 3 and 420", held, account.Status.CreditsSpent)
	}
	if requests := w.sim.State().Requests["generate"]; requests != 7 {
		t.Errorf("KIE.AI was asked %d times to sell, want 7", requests)
	}

	w.clock.SetTime(turns)
	w.run(time.Hour)
	w.wantPaid(10)
	for i := range 10 {
		w.wantReady(fmt.Sprintf("video-%d", i), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	}
	if spent := w.account().Status.CreditsSpent; spent != "180" {
		t.Errorf("%s credits are spent in the new period, want 180", spent)
	}
}

// What does not fit lets pass what does, and a video that never fits says so.
func TestABudgetIsNotBlockedByTheDear(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.updateAccount(func(account *v1alpha1.KieAccount) { account.Spec.Budget = fixture.Budget("100", 24*time.Hour) })
	w.create("a-dear", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelQuality })
	w.pass(time.Second)
	w.create("b-cheap")
	w.run(20 * time.Minute)
	w.wantReady("b-cheap", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	vg := w.wantReady("a-dear", metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
	if message := vg.Status.Conditions[0].Message; !strings.Contains(message, "raise its spec.budget") {
		t.Errorf("the message does not say what to do: %s", message)
	}
	w.updateAccount(func(account *v1alpha1.KieAccount) { account.Spec.Budget.Credits = "1000" })
	w.pass(time.Second)
	w.run(20 * time.Minute)
	w.wantReady("a-dear", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}

// A purchase that was refused is not in the books.
func TestTheBooksAfterARefusal(t *testing.T) {
	for _, withBudget := range []bool{true, false} {
		t.Run(fmt.Sprint("budget ", withBudget), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.beginPeriod()
			if withBudget {
				w.updateAccount(func(account *v1alpha1.KieAccount) { account.Spec.Budget = fixture.Budget("60", 24*time.Hour) })
			}
			w.create("refused", prompt("[sim:submit=422]"))
			w.run(10 * time.Minute)
			w.wantReady("refused", metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest)
			w.create("video")
			w.run(10 * time.Minute)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.pass(accountctl.CountEvery)
			if spent := w.account().Status.CreditsSpent; spent != "60" {
				t.Errorf("%s credits are spent, want 60", spent)
			}
		})
	}
}

// The estimate is there before anything is bought, with the upgrade and by the
// account's own prices.
func TestTheEstimate(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.setPrices(
		fixture.Price(v1alpha1.ModelLite, v1alpha1.PricedUpgrade4K, "100"),
		fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedUpgrade4K, "14.4"),
		fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedUpgrade1080p, "0"),
		fixture.Price(v1alpha1.ModelQuality, v1alpha1.PricedGenerate, "0.005"),
		fixture.Price("kling-3.0/video", v1alpha1.PricedGenerate, "1"),
	)
	for model, resolutions := range map[v1alpha1.Model]map[v1alpha1.Resolution]string{
		v1alpha1.ModelLite:    {v1alpha1.Resolution720p: "30", v1alpha1.Resolution1080p: "35", v1alpha1.Resolution4K: "130"},
		v1alpha1.ModelFast:    {v1alpha1.Resolution720p: "60", v1alpha1.Resolution1080p: "60", v1alpha1.Resolution4K: "74.4"},
		v1alpha1.ModelQuality: {v1alpha1.Resolution720p: "0.005", v1alpha1.Resolution1080p: "5.005", v1alpha1.Resolution4K: "120.005"},
	} {
		for resolution, want := range resolutions {
			name := fmt.Sprintf("%s-%s", strings.ReplaceAll(string(model), "_", "-"), resolution)
			w.create(name, func(vg *v1alpha1.VideoGeneration) {
				vg.Spec.Model, vg.Spec.Resolution, vg.Spec.Suspend = model, resolution, ptr.To(true)
			})
			w.round()
			vg := w.wantReady(name, metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
			if vg.Status.EstimatedCredits != want || !strings.Contains(vg.Status.Conditions[0].Message, want+" credits") {
				t.Errorf("%s: the estimate is %q (%s), want %s", name, vg.Status.EstimatedCredits, vg.Status.Conditions[0].Message, want)
			}
		}
	}
	w.wantPaid(0)
}
