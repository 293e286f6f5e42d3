// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// storedBefore shows accounts with a price that was stored before there was a
// rule for it, as long as it is broken.
type storedBefore struct {
	client.Client
	broken bool
}

func (c *storedBefore) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := c.Client.Get(ctx, key, obj, opts...)
	if account, ok := obj.(*v1alpha1.KieAccount); ok && c.broken {
		account.Spec.Prices = []v1alpha1.Price{fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, "n/a")}
	}
	return err
}

// withOldPrices lets this process see the account of a time without rules.
func (w *world) withOldPrices() *storedBefore {
	c := &storedBefore{Client: w.proc.videos.Client}
	w.proc.videos.Client, w.proc.accounts.Client = c, c
	return c
}

// breakBooks changes the status of the account as somebody with kubectl does.
func (w *world) breakBooks(change func(*v1alpha1.KieAccountStatus)) {
	w.t.Helper()
	account := w.account()
	before := account.DeepCopy()
	change(&account.Status)
	w.must(w.live.Status().Patch(w.t.Context(), account, client.MergeFrom(before)))
}

func (w *world) setSpent(text string) {
	w.t.Helper()
	w.breakBooks(func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent = text })
}

// wantHeld asserts that the video waits for a number that cannot be read, and
// that the account says which, and the way out.
func (w *world) wantHeld(name string, words ...string) {
	w.t.Helper()
	w.wantReady(name, metav1.ConditionUnknown, v1alpha1.ReasonUnreadableCredits)
	account := w.wantAccount(metav1.ConditionFalse, v1alpha1.ReasonUnreadableCredits)
	ready := meta.FindStatusCondition(account.Status.Conditions, v1alpha1.ConditionReady)
	for _, word := range words {
		if !strings.Contains(ready.Message, word) {
			w.t.Errorf("the account says %q, and not %q", ready.Message, word)
		}
	}
}

// A price that cannot be read holds all purchases of the account, of other models
// too, until it is corrected.
func TestAnUnreadablePriceHoldsPurchases(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.settle()
	stored := w.withOldPrices()
	stored.broken = true
	w.create("video")
	w.create("lite", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelLite })
	w.run(10 * time.Minute)
	for _, name := range []string{"video", "lite"} {
		w.wantHeld(name, `spec.prices[veo3_fast, Generate].credits`, `"n/a"`, "correct it")
		if vg := w.get(name); vg.Status.EstimatedCredits != "" {
			t.Errorf("the estimate of %s is %q, want none", name, vg.Status.EstimatedCredits)
		}
	}
	w.wantPaid(0)
	stored.broken = false
	w.pass(accounts.BalanceEveryBusy)
	w.run(10 * time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("lite", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// Books that somebody has broken hold all purchases, with a budget and without,
// until they are corrected; then they are gone on with.
func TestUnreadableBooksHoldPurchases(t *testing.T) {
	for _, limit := range []string{"", "120"} {
		for name, broken := range map[string]struct {
			change func(*v1alpha1.KieAccountStatus)
			field  string
		}{
			"a word":      {func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent = "n/a" }, "status.creditsSpent "},
			"negative":    {func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent = "-60" }, "status.creditsSpent "},
			"overflow":    {func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent = "18446744073709551676" }, "status.creditsSpent "},
			"taken out":   {func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent = "" }, "status.creditsSpent "},
			"since never": {func(s *v1alpha1.KieAccountStatus) { s.CreditsSpentSince = nil }, "status.creditsSpentSince "},
		} {
			t.Run(name+" budget "+limit, func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				w.beginPeriod()
				if limit != "" {
					w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Budget = fixture.Budget(limit, 24*time.Hour) })
				}
				w.create("first")
				w.run(10 * time.Minute)
				w.pass(accountctl.CountEvery)
				since := w.account().Status.CreditsSpentSince
				w.breakBooks(broken.change)
				w.create("video")
				w.run(10 * time.Minute)
				w.wantHeld("video", broken.field, "correct it with kubectl edit --subresource=status")
				w.wantPaid(1)
				w.breakBooks(func(s *v1alpha1.KieAccountStatus) { s.CreditsSpent, s.CreditsSpentSince = "60", since })
				w.run(10 * time.Minute)
				w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.pass(accountctl.CountEvery)
				if spent := w.account().Status.CreditsSpent; spent != "120" {
					t.Errorf("the books say %s credits, want 120", spent)
				}
			})
		}
	}
}

// The cache of the account may be older than the books: they are read again
// before the purchase.
func TestTheBooksAreReadBeforeThePurchase(t *testing.T) {
	account := &v1alpha1.KieAccount{}
	account.Spec.Budget = fixture.Budget("100", 24*time.Hour)
	start, _ := accounts.PeriodOf(account, fixture.Epoch)
	account.Status.CreditsSpentSince = ptr.To(metav1.NewTime(start))
	for _, tt := range []struct {
		reason, spent, limit, change string
		want, after                  string
	}{
		{"it fits", "14.4", "28.8", "14.4", "", "28.8"},
		{"it fits to the thousandth", "85.6", "100", "14.4", "", "100"},
		{"it is a thousandth too much", "85.601", "100", "14.4", v1alpha1.ReasonBudgetExhausted, "85.601"},
		{"the books cannot be read", "n/a", "100", "14.4", v1alpha1.ReasonUnreadableCredits, "n/a"},
		{"the budget cannot be read", "14.4", "n/a", "14.4", v1alpha1.ReasonUnreadableCredits, "14.4"},
		{"it is free", "100", "100", "0", "", "100"},
	} {
		account.Status.CreditsSpent, account.Spec.Budget.Credits = tt.spent, tt.limit
		change, err := credits.Parse(tt.change)
		if err != nil {
			t.Fatal(err)
		}
		w := accounts.Enter(account, change, true, fixture.Epoch)
		if w.Reason != tt.want || account.Status.CreditsSpent != tt.after {
			t.Errorf("%s: it waits for %q, and %s are spent; want %q and %s", tt.reason, w.Reason, account.Status.CreditsSpent, tt.want, tt.after)
		}
	}
}

// A price with a fraction is estimated, budgeted, charged and given back exactly.
func TestAPriceWithAFraction(t *testing.T) {
	for _, limit := range []string{"", "28.8"} {
		t.Run("budget "+limit, func(t *testing.T) {
			w := newWorld(t, worldOptions{sim: kiesim.Options{Prices: kiesim.Prices{"veo3_fast": 14.4}}})
			w.beginPeriod()
			w.setPrices(fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, "14.4"))
			if limit != "" {
				w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Budget = fixture.Budget(limit, 24*time.Hour) })
			}
			w.create("refused", prompt("[sim:submit=422]"))
			w.run(10 * time.Minute)
			w.wantReady("refused", metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest)
			for _, name := range []string{"a", "b"} {
				w.create(name, prompt("[sim:credits-consumed=shown]"))
				w.run(10 * time.Minute)
				vg := w.wantReady(name, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				if task := vg.Status.Task; vg.Status.EstimatedCredits != "14.4" || task.Credits != "14.4" || task.CreditsConsumed != "14.4" {
					t.Errorf("%s: estimated are %s, booked %s, consumed %s credits; want 14.4", name, vg.Status.EstimatedCredits, task.Credits, task.CreditsConsumed)
				}
			}
			if w.warned("PriceDiffers") {
				t.Error("14.4 are said to be another price than 14.4")
			}
			w.pass(accountctl.BalanceEvery)
			if account := w.account(); account.Status.CreditsSpent != "28.8" || account.Status.Credits != "9971.2" {
				t.Errorf("%s credits are spent and %s left, want 28.8 and 9971.2", account.Status.CreditsSpent, account.Status.Credits)
			}
			if limit != "" {
				w.create("c")
				w.run(10 * time.Minute)
				w.wantReady("c", metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
			}
		})
	}
}

// What it is not known that an earlier process has spent is missing in the books:
// nothing is bought, however long it takes to correct it.
func TestAnUnreadablePurchaseHoldsTheNext(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.settle()
	w.create("first")
	w.catchUp()
	w.pass(0)
	w.wantPaid(1)
	w.restart()
	setCredits := func(text string) {
		vg := w.get("first")
		before := vg.DeepCopy()
		vg.Status.Task.Credits = text
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	}
	setCredits("n/a")
	w.create("video")
	w.run(time.Hour)
	w.wantHeld("video", "status.task.credits of VideoGeneration "+w.namespace+"/first", `"n/a"`, accounts.CorrectStatus)
	w.wantPaid(1)
	w.restart()
	w.run(time.Hour)
	w.wantHeld("video", "status.task.credits")
	setCredits("60")
	w.pass(accountctl.BalanceEvery)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.pass(2 * accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != "120" {
		t.Errorf("the books say %s credits, want 120", spent)
	}
}

// What KIE.AI charges beyond the table while the books cannot be read is booked
// when they can.
func TestWhatIsChargedMeanwhileIsBookedLater(t *testing.T) {
	w := newWorld(t, worldOptions{budget: fixture.Budget("1000", 24*time.Hour)})
	w.beginPeriod()
	w.create("video", prompt("[sim:credits-consumed=90.5]"))
	w.pass(0)
	w.wantPaid(1)
	w.setSpent("n/a")
	w.run(10 * time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.sim.SetCredits(5000)
	w.pass(accountctl.BalanceEvery)
	if balance := w.account().Status.Credits; balance != "5000" {
		t.Errorf("the account says credits %s, want 5000: the rest of its status is written", balance)
	}
	w.setSpent("60")
	w.pass(accountctl.BalanceEvery)
	w.pass(accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != "90.5" {
		t.Errorf("the books say %s credits, want 90.5", spent)
	}
}

// What KIE.AI charges while the price table cannot be read is booked in full: the
// books have rather too much than too little.
func TestWhatIsChargedWithoutATable(t *testing.T) {
	w := newWorld(t, worldOptions{budget: fixture.Budget("1000", 24*time.Hour)})
	w.beginPeriod()
	stored := w.withOldPrices()
	w.create("video", prompt("[sim:credits-consumed=90]"))
	w.pass(0)
	w.wantPaid(1)
	stored.broken = true
	w.run(10 * time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if spent := w.account().Status.CreditsSpent; spent != "90" {
		t.Errorf("the books say %s credits, want 90", spent)
	}
}

// An upgrade is a purchase, too.
func TestUnreadableBooksHoldAnUpgrade(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.create("video", fixture.In(v1alpha1.Resolution4K))
	w.pass(0)
	w.pass(accountctl.CountEvery)
	w.wantPaid(1)
	w.setSpent("n/a")
	w.run(10 * time.Minute)
	w.wantHeld("video", "status.creditsSpent")
	w.wantUpgrades(0)
	w.setSpent("180")
	w.pass(accountctl.BalanceEvery)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantUpgrades(1)
}
