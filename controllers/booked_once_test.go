// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// conflictingAt makes one write to a resource fail, as it does when somebody else
// has written meanwhile.
func (w *world) conflictingAt(number int) {
	first := int(w.faults.writes.Load())
	w.faults.onWrite = func(n int, do func() error) error {
		if n == first+number {
			return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("videogenerations").GroupResource(), "video", nil)
		}
		return do()
	}
}

// What KIE.AI has charged beyond the price is booked once, whichever write has to
// be made again.
func TestADifferenceIsBookedOnce(t *testing.T) {
	for name, withBudget := range budgets {
		for write := 1; write <= 6; write++ {
			t.Run(fmt.Sprintf("%s, write %d", name, write), func(t *testing.T) {
				w := newWorld(t, worldOptions{budget: withBudget})
				w.beginPeriod()
				w.conflictingAt(write)
				w.create("video", prompt("[sim:credits-consumed=90]"))
				w.run(time.Hour)
				w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.wantPaid(1)
				w.wantSpent("90")
			})
		}
	}
}

// So is a purchase that was refused and made all the same.
func TestARefusedPurchaseIsBookedOnce(t *testing.T) {
	for name, withBudget := range budgets {
		for write := 1; write <= 6; write++ {
			t.Run(fmt.Sprintf("%s, write %d", name, write), func(t *testing.T) {
				w := newWorld(t, worldOptions{budget: withBudget})
				w.beginPeriod()
				w.answerPurchase(always, madeAnd, "application/json", http.StatusOK, `{"code":429,"msg":"not now","data":null}`)
				w.conflictingAt(write)
				w.create("video", prompt("[sim:latency=2s]"))
				w.run(time.Hour)
				if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Purchases != 1 {
					t.Errorf("%d purchases are counted, want 1", vg.Status.Purchases)
				}
				w.wantPaid(1)
				w.wantSpent("60")
			})
		}
	}
}

// What was charged is compared with what was booked for the task, and not with
// what the price table says by then.
func TestThePriceIsCorrectedWhileATaskIsAtWork(t *testing.T) {
	for name, withBudget := range budgets {
		for _, corrected := range []string{"80", "50"} {
			t.Run(name+", to "+corrected, func(t *testing.T) {
				w := newWorld(t, worldOptions{budget: withBudget})
				w.beginPeriod()
				w.create("video", prompt("[sim:credits-consumed=80]"))
				w.pass(0)
				w.updateAccount(func(a *v1alpha1.KieAccount) {
					a.Spec.Prices = []v1alpha1.Price{fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, corrected)}
				})
				w.run(time.Hour)
				w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.wantSpent("80")
			})
		}
	}
}

// A price that is missing keeps nobody from what is paid for.
func TestALostPurchaseIsFoundWithoutAPrice(t *testing.T) {
	w := newWorld(t, worldOptions{})
	prices := w.withOldPrices()
	w.create("video", prompt("[sim:accept-then=drop] [sim:latency=2m]"))
	w.pass(0)
	w.update("video", fixture.Resubmit)
	prices.broken = true
	w.run(10 * time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
}

// Whoever takes a task over says with the same edit which account to ask.
func TestATaskOfAnotherAccountIsTakenOver(t *testing.T) {
	w := newWorld(t, worldOptions{})
	other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now})
	w.secondAccount(other)
	w.create("bought", withAccount("other"))
	w.pass(0)
	w.create("video", suspended(true))
	w.pass(0)
	id := other.State().Tasks[0].ID
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
		vg.Spec.Suspend = ptr.To(false)
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationAdoptTaskID, id)
	})
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Account.Name != "other" {
		t.Errorf("account %s was asked", vg.Status.Account)
	}
}

// A budget whose period is no whole number of seconds binds.
func TestABudgetOfAnOddPeriod(t *testing.T) {
	const period = 90500 * time.Millisecond
	w := newWorld(t, worldOptions{budget: fixture.Budget("60", period)})
	for w.clock.Now().UTC().Truncate(period).Nanosecond() == 0 {
		w.clock.SetTime(w.clock.Now().Add(period)) // to a period that would begin within a second
	}
	w.create("first")
	w.create("second")
	w.pass(0)
	w.pass(time.Second)
	w.wantPaid(1)
}

// liveSuspended shows accounts as suspended, before the cache does.
type liveSuspended struct{ client.Reader }

// Get reads it.
func (r liveSuspended) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := r.Reader.Get(ctx, key, obj, opts...)
	if account, ok := obj.(*v1alpha1.KieAccount); ok {
		account.Spec.Suspend = ptr.To(true)
	}
	return err
}

// An account that is suspended while images are brought to KIE.AI spends nothing.
func TestAnAccountIsSuspendedAtTheLastMoment(t *testing.T) {
	w := newWorld(t, worldOptions{budget: fixture.Budget("600", 24*time.Hour)})
	w.settle()
	w.proc.videos.Live = liveSuspended{w.proc.videos.Live}
	w.create("video")
	w.run(time.Minute)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
	w.wantPaid(0)
	w.wantSpent("0")
}
