// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
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

// spentIn is what the status says was spent in the period that begins at start.
// Not ok means that it cannot be read.
func spentIn(account *v1alpha1.KieAccount, start time.Time) (credits int64, ok bool) {
	since := account.Status.CreditsSpentSince
	if since == nil || !since.Time.Equal(start) || account.Status.CreditsSpent == "" {
		return 0, true
	}
	return creditsIn(account.Status.CreditsSpent)
}

// charge enters a purchase into the books of its account before it is made, if
// there is a budget to be kept: in the account's status, with a version that
// fails if anybody has written since it was read. Without a budget it is counted
// with the intent, and gets into the status with the next look at the account.
//
// A process that dies between this and the purchase leaves the price in the
// books: a budget errs on the side of spending less. It returns false, and sets
// l.wait, if the price does not fit into the budget.
func (r *VideoGenerationReconciler) charge(ctx context.Context, l *life, price int64) (bool, error) {
	if price == 0 || l.account.Spec.Budget == nil {
		return true, nil
	}
	return r.book(ctx, l, price, true)
}

// buyerOf is the account in whose books the task is: that which bought it, or if
// that is not known, the one that is asked about it.
func buyerOf(vg *v1alpha1.VideoGeneration) v1alpha1.AccountIdentity {
	if buyer := vg.Status.Task.Account; !buyer.IsZero() {
		return buyer
	}
	return vg.Status.Account
}

// bookAnyway enters what was spent whether or not the budget allows it. What an
// earlier account of the name has bought is not in the books of this one.
func (r *VideoGenerationReconciler) bookAnyway(ctx context.Context, l *life, buyer v1alpha1.AccountIdentity, credits int64) error {
	switch {
	case buyer.IsReplacedBy(l.account):
		return nil
	case l.account.Spec.Budget == nil:
		r.Ledger.Spend(v1alpha1.IdentityOf(l.account), "", credits)
		r.Poke(client.ObjectKeyFromObject(l.account))
		return nil
	}
	_, err := r.book(ctx, l, credits, false)
	return err
}

// submittedAt is the time of a purchase that is about to be made. From it on, the
// purchase counts in the books of an account without a budget.
func (r *VideoGenerationReconciler) submittedAt(l *life, attempt string, price int64) metav1.Time {
	if l.account.Spec.Budget == nil {
		l.spent = true
		return metav1.NewTime(r.Ledger.Spend(v1alpha1.IdentityOf(l.account), attempt, price)).Rfc3339Copy()
	}
	return metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
}

// refund takes a purchase out of the books that was not made.
func (r *VideoGenerationReconciler) refund(ctx context.Context, l *life, attempt string, price int64) error {
	switch {
	case l.account.Spec.Budget == nil && l.spent:
		l.spent = false
		r.Ledger.Unspend(v1alpha1.IdentityOf(l.account), attempt, price)
		return nil
	case l.account.Spec.Budget == nil:
		return nil // it was not even begun
	case price == 0:
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()
	_, err := r.book(ctx, l, -price, false)
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

// book adds credits to what the account has spent in this period, if they may be
// spent by its budget, or whether or not. An account that is gone buys nothing
// more, and what it has bought is in nobody's books.
func (r *VideoGenerationReconciler) book(ctx context.Context, l *life, credits int64, bounded bool) (bool, error) {
	for writes := 0; ; writes++ {
		account, err := r.booksOf(ctx, l.account)
		switch {
		case err != nil:
			return false, err
		case account == nil && bounded:
			return false, errAccountReplaced
		case account == nil:
			return true, nil
		}
		start, end := periodOf(account, r.Clock.Now())
		if credits < 0 && !start.Equal(l.chargedIn) {
			return true, nil // the books of that period are closed
		}
		before, ok := spentIn(account, start)
		if !ok {
			l.wait = waiting{kind: retrying, reason: v1alpha1.ReasonBudgetExhausted, retryAfter: budgetLookAgain, message: fmt.Sprintf(
				"status.creditsSpent of KieAccount %s is %q, which is no number, so that nobody knows what its budget leaves: correct it", client.ObjectKeyFromObject(account), account.Status.CreditsSpent)}
			return false, nil
		}
		spent := max(before+credits, 0)
		if budget := account.Spec.Budget; bounded && budget != nil && spent > int64(budget.Credits) {
			l.wait = overBudget(account, credits, end)
			l.wait.retryAfter = min(max(end.Sub(r.Clock.Now()), time.Second), budgetLookAgain)
			return false, nil
		}
		read := account.DeepCopy()
		account.Status.CreditsSpent = strconv.FormatInt(spent, 10)
		account.Status.CreditsSpentSince = ptr.To(metav1.NewTime(start))
		patch := client.MergeFromWithOptions(read, client.MergeFromWithOptimisticLock{})
		err = r.Client.Status().Patch(ctx, account, patch)
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
