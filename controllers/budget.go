// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// spendingPeriod is over which time the spending of an account without a budget is shown.
const spendingPeriod = 24 * time.Hour

// budgetLookAgain is how often a video that the budget does not leave room for is
// looked at: what was charged may be given back.
const budgetLookAgain = 5 * time.Minute

// maxChargeWrites bounds the tries to write what is spent, which others write beside.
const maxChargeWrites = 5

// periodOf is the start and the end of the period of the account's budget that
// now is in. Periods have no gap between them and the same borders for everybody.
func periodOf(account *v1alpha1.KieAccount, now time.Time) (start, end time.Time) {
	length := spendingPeriod
	if budget := account.Spec.Budget; budget != nil && budget.Period.Duration >= time.Minute {
		length = budget.Period.Duration
	}
	start = now.UTC().Truncate(length)
	return start, start.Add(length)
}

// spentIn is what the status says was spent in the period that begins at start.
func spentIn(account *v1alpha1.KieAccount, start time.Time) int64 {
	since := account.Status.CreditsSpentSince
	if since == nil || !since.Time.Equal(start) {
		return 0
	}
	return creditsIn(account.Status.CreditsSpent)
}

// charge enters a purchase into the books of its account before it is made: in
// the account's status, if there is a budget to be kept, with a version that
// fails if anybody has written since it was read; else in memory, from where it
// gets into the status with the next look at the account.
//
// A process that dies between this and the purchase leaves the price in the
// books: a budget errs on the side of spending less. It returns false, and sets
// l.wait, if the price does not fit into the budget.
func (r *VideoGenerationReconciler) charge(ctx context.Context, l *life, price int64) (bool, error) {
	switch {
	case price == 0:
		return true, nil
	case l.account.Spec.Budget == nil:
		r.Ledger.Spend(client.ObjectKeyFromObject(l.account), price)
		return true, nil
	default:
		return r.book(ctx, l, price)
	}
}

// refund takes a purchase out of the books that was not made.
func (r *VideoGenerationReconciler) refund(ctx context.Context, l *life, price int64) error {
	switch {
	case price == 0:
		return nil
	case l.account.Spec.Budget == nil:
		r.Ledger.Spend(client.ObjectKeyFromObject(l.account), -price)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()
	_, err := r.book(ctx, l, -price)
	r.Ledger.Reopen(client.ObjectKeyFromObject(l.account), v1alpha1.ReasonBudgetExhausted)
	return err
}

// book adds credits to what the account has spent in this period.
func (r *VideoGenerationReconciler) book(ctx context.Context, l *life, credits int64) (bool, error) {
	for writes := 0; ; writes++ {
		account := &v1alpha1.KieAccount{}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(l.account), account); err != nil {
			return false, fmt.Errorf("reading the account: %w", err)
		}
		start, end := periodOf(account, r.Clock.Now())
		if credits < 0 && !start.Equal(l.chargedIn) {
			return true, nil // the books of that period are closed
		}
		spent := max(spentIn(account, start)+credits, 0)
		if budget := account.Spec.Budget; credits > 0 && budget != nil && spent > int64(budget.Credits) {
			l.wait = overBudget(account, credits, end)
			l.wait.retryAfter = min(max(end.Sub(r.Clock.Now()), time.Second), budgetLookAgain)
			return false, nil
		}
		before := account.DeepCopy()
		account.Status.CreditsSpent = strconv.FormatInt(spent, 10)
		account.Status.CreditsSpentSince = ptr.To(metav1.NewTime(start))
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		err := r.Client.Status().Patch(ctx, account, patch)
		switch {
		case err == nil:
			l.chargedIn = start
			return true, nil
		case !apierrors.IsConflict(err) || writes == maxChargeWrites:
			return false, fmt.Errorf("writing what the account has spent: %w", err)
		}
	}
}

func overBudget(account *v1alpha1.KieAccount, price int64, opens time.Time) waiting {
	key := client.ObjectKeyFromObject(account)
	w := waiting{kind: retrying, reason: v1alpha1.ReasonBudgetExhausted}
	if price > int64(account.Spec.Budget.Credits) {
		w.message = fmt.Sprintf("the video costs %d credits, and KieAccount %s has a budget of %d: raise its spec.budget", price, key, account.Spec.Budget.Credits)
		return w
	}
	w.message = fmt.Sprintf("the video costs %d credits, which the budget of KieAccount %s does not leave: the next period begins at %s",
		price, key, opens.UTC().Format(time.RFC3339))
	return w
}
