// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// spendingPeriod is over which time the spending of an account without a budget is shown.
const spendingPeriod = 24 * time.Hour

// budgetResync is how often a video that the budget does not leave room for is
// looked at: what was charged may be given back.
const budgetResync = 5 * time.Minute

// maxChargeWrites bounds the tries to write what is spent, which others write beside.
const maxChargeWrites = 5

// errAccountReplaced says that the account that was to buy is gone, and another
// one may have its name.
var errAccountReplaced = errors.New("the account was deleted, or created again, meanwhile")

// periodOf is the start and the end of the period of the account's budget that
// now is in. Periods have no gap between them and the same borders for everybody.
func periodOf(account *v1alpha1.KieAccount, now time.Time) (start, end time.Time) {
	length := spendingPeriod
	if budget := account.Spec.Budget; budget != nil && budget.Period.Duration >= time.Minute {
		length = budget.Period.Duration
	}
	start = now.UTC().Truncate(length)
	// Books that begin later than this clock says are gone on with: the clock of another leader was ahead, and a
	// period that began twice would be spent twice.
	if since := account.Status.CreditsSpentSince; since != nil && since.After(start) {
		start = since.UTC()
	}
	return start, start.Truncate(length).Add(length)
}

// correctStatus is the way out where a status cannot be read.
const correctStatus = "correct it with kubectl edit --subresource=status"

// spentIn is what the status says was spent in the period that begins at start,
// or an error as of readCredits. Both fields of the books are written together:
// one without the other was taken out by somebody, and is not a new beginning.
func spentIn(account *v1alpha1.KieAccount, start time.Time) (credits.Amount, error) {
	since, spent := account.Status.CreditsSpentSince, account.Status.CreditsSpent
	switch {
	case since == nil && spent == "":
		return credits.Amount{}, nil // nothing was spent yet
	case since == nil:
		return credits.Amount{}, fmt.Errorf("status.creditsSpentSince is missing beside status.creditsSpent: %s", correctStatus)
	case !since.Time.Equal(start):
		return credits.Amount{}, nil // that was in another period
	default:
		return readCredits("status.creditsSpent", spent, correctStatus)
	}
}

// budgetOf is what may be spent in a period by the budget of the account, which
// has one, or an error as of readCredits.
func budgetOf(account *v1alpha1.KieAccount) (credits.Amount, error) {
	return readCredits("spec.budget.credits", account.Spec.Budget.Credits, "correct it")
}

// charge enters a purchase into the books of its account before it is made, if
// there is a budget to be kept: in the account's status, with a version that
// fails if anybody has written since it was read. Without a budget it is counted
// with the intent, and gets into the status with the next look at the account.
//
// A process that dies between this and the purchase leaves the price in the
// books: a budget errs on the side of spending less. It returns false, and sets
// l.wait, if the price does not fit into the budget.
func (r *VideoGenerationReconciler) charge(ctx context.Context, l *scope, price credits.Amount) (bool, error) {
	if price.IsZero() || l.account.Spec.Budget == nil {
		return true, nil
	}
	w, err := r.book(ctx, l, price, true)
	if err != nil || w.reason != "" {
		l.wait = w
		return false, err
	}
	return true, nil
}

// buyerOf is the account in whose books the task is: that which bought it, or if
// that is not known, the one that is asked about it.
func buyerOf(vg *v1alpha1.VideoGeneration) v1alpha1.AccountIdentity {
	if buyer := vg.Status.Task.Account; !buyer.IsZero() {
		return buyer
	}
	return vg.Status.Account
}

// bookAnyway enters what was spent whether or not the budget allows it. Where
// the books cannot be read, the account adds it when somebody has corrected them.
// What an earlier account of the name has bought is not in the books of this one.
func (r *VideoGenerationReconciler) bookAnyway(ctx context.Context, l *scope, buyer v1alpha1.AccountIdentity, spent credits.Amount) error {
	if buyer.IsReplacedBy(l.account) {
		return nil
	}
	if l.account.Spec.Budget != nil {
		if w, err := r.book(ctx, l, spent, false); err != nil || w.reason == "" {
			return err
		}
	}
	r.Ledger.Spend(v1alpha1.IdentityOf(l.account), "", spent)
	r.CheckAccount(client.ObjectKeyFromObject(l.account))
	return nil
}

// submittedAt is the time of a purchase that is about to be made. From it on, the
// purchase counts in the books of an account without a budget.
func (r *VideoGenerationReconciler) submittedAt(l *scope, attempt string, price credits.Amount) metav1.Time {
	if l.account.Spec.Budget == nil {
		l.spent = true
		return metav1.NewTime(r.Ledger.Spend(v1alpha1.IdentityOf(l.account), attempt, price)).Rfc3339Copy()
	}
	return metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
}

// refund takes a purchase out of the books that was not made. From books that
// cannot be read nothing is taken: a budget errs on the side of spending less.
func (r *VideoGenerationReconciler) refund(ctx context.Context, l *scope, attempt string, price credits.Amount) error {
	switch {
	case l.account.Spec.Budget == nil && l.spent:
		l.spent = false
		r.Ledger.Unspend(v1alpha1.IdentityOf(l.account), attempt, price)
		return nil
	case l.account.Spec.Budget == nil:
		return nil // it was not even begun
	case price.IsZero():
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()
	_, err := r.book(ctx, l, credits.Amount{}.Minus(price), false)
	r.Ledger.Reopen(client.ObjectKeyFromObject(l.account), v1alpha1.ReasonBudgetExhausted)
	return err
}

// booksOf reads the account past the cache. It returns nil if its books are gone
// with it, though there may be another one of its name.
func (r *VideoGenerationReconciler) booksOf(ctx context.Context, account *v1alpha1.KieAccount) (*v1alpha1.KieAccount, error) {
	live := &v1alpha1.KieAccount{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(account), live)
	switch {
	case apierrors.IsNotFound(err), err == nil && live.UID != account.UID:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the account: %w", err)
	default:
		return live, nil
	}
}

// book adds a change to what the account has spent in this period, if that may be
// spent by its budget, or whether or not. It returns what the change waits for,
// which is nothing if it is in the books. An account that is gone buys nothing
// more, and what it has bought is in nobody's books.
func (r *VideoGenerationReconciler) book(ctx context.Context, l *scope, change credits.Amount, bounded bool) (waiting, error) {
	for writes := 0; ; writes++ {
		account, err := r.booksOf(ctx, l.account)
		switch {
		case err != nil:
			return waiting{}, err
		case account == nil && bounded:
			return waiting{}, errAccountReplaced
		case account == nil:
			return waiting{}, nil
		}
		now := r.Clock.Now()
		start, _ := periodOf(account, now)
		if change.IsNegative() && !start.Equal(l.chargedIn) {
			return waiting{}, nil // the books of that period are closed
		}
		read := account.DeepCopy()
		if w := enter(account, change, bounded, now); w.reason != "" {
			return w, nil
		}
		patch := client.MergeFromWithOptions(read, client.MergeFromWithOptimisticLock{})
		err = r.Client.Status().Patch(ctx, account, patch)
		switch {
		case err == nil:
			l.chargedIn = start
			return waiting{}, nil
		case !apierrors.IsConflict(err) || writes == maxChargeWrites:
			return waiting{}, fmt.Errorf("writing what the account has spent: %w", err)
		}
	}
}

// enter adds a change to the books in the status of an account, or says what it
// waits for.
func enter(account *v1alpha1.KieAccount, change credits.Amount, bounded bool, now time.Time) waiting {
	start, end := periodOf(account, now)
	before, err := spentIn(account, start)
	if err != nil {
		return unreadable(account, err)
	}
	spent := notNegative(before.Plus(change))
	if bounded && account.Spec.Budget != nil {
		limit, err := budgetOf(account)
		if err != nil {
			return unreadable(account, err)
		}
		if limit.Less(spent) {
			w := overBudget(account, change, limit, end)
			w.retryAfter = min(max(end.Sub(now), time.Second), budgetResync)
			return w
		}
	}
	account.Status.CreditsSpent = spent.String()
	account.Status.CreditsSpentSince = ptr.To(metav1.NewTime(start))
	return waiting{}
}

// notNegative is what was spent: more may be given back than the books have,
// where somebody has corrected them.
func notNegative(spent credits.Amount) credits.Amount {
	if spent.IsNegative() {
		return credits.Amount{}
	}
	return spent
}

func overBudget(account *v1alpha1.KieAccount, price, limit credits.Amount, opens time.Time) waiting {
	key := client.ObjectKeyFromObject(account)
	w := waiting{kind: retrying, reason: v1alpha1.ReasonBudgetExhausted}
	if limit.Less(price) {
		w.message = fmt.Sprintf("the video costs %s credits, and KieAccount %s has a budget of %s: raise its spec.budget", price, key, limit)
		return w
	}
	w.message = fmt.Sprintf("the video costs %s credits, which the budget of KieAccount %s does not leave: the next period begins at %s",
		price, key, opens.UTC().Format(time.RFC3339))
	return w
}
