// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// maxChargeWrites bounds the tries to write what is spent, which others write beside.
const maxChargeWrites = 5

// charge enters a purchase into the books of its account before it is made, if
// there is a budget to be kept: in the account's status, with a version that
// fails if anybody has written since it was read. Without a budget it is counted
// with the intent, and gets into the status with the next look at the account.
//
// A process that dies between this and the purchase leaves the price in the
// books: a budget errs on the side of spending less. It returns false, and sets
// l.wait, if the price does not fit into the budget.
func (r *Reconciler) charge(ctx context.Context, l *scope, price credits.Amount) (bool, error) {
	if price.IsZero() || l.account.Spec.Budget == nil {
		return true, nil
	}
	w, err := r.book(ctx, l, l.account, price, true)
	if err != nil || w.Reason != "" {
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
// It is booked once, though what comes after it may have to be done again.
func (r *Reconciler) bookAnyway(ctx context.Context, l *scope, account *v1alpha1.KieAccount, what booking, buyer v1alpha1.AccountIdentity, spent credits.Amount) error {
	if buyer.IsReplacedBy(account) || l.known.booked[what] {
		return nil
	}
	if err := r.bookUnbounded(ctx, l, account, what, spent); err != nil {
		return err
	}
	if l.known.booked == nil {
		l.known.booked = map[booking]bool{}
	}
	l.known.booked[what] = true
	return nil
}

// booking is what something is booked for beside the price of a purchase.
type booking struct {
	// purchase is the attempt that is booked after it was taken out of the books.
	purchase string
	// difference is the attempt that has cost more than was booked for it.
	difference string
}

func (r *Reconciler) bookUnbounded(ctx context.Context, l *scope, account *v1alpha1.KieAccount, what booking, spent credits.Amount) error {
	if account.Spec.Budget != nil {
		if w, err := r.book(ctx, l, account, spent, false); err != nil || w.Reason == "" {
			return err
		}
	}
	r.Ledger.Spend(v1alpha1.IdentityOf(account), what.purchase, spent)
	r.CheckAccount(client.ObjectKeyFromObject(account))
	return nil
}

// submittedAt is the time of a purchase that is about to be made. From it on, the
// purchase counts in the books of an account without a budget.
func (r *Reconciler) submittedAt(l *scope, attempt string, price credits.Amount) metav1.Time {
	if l.account.Spec.Budget == nil {
		l.spent = true
		return metav1.NewTime(r.Ledger.Spend(v1alpha1.IdentityOf(l.account), attempt, price)).Rfc3339Copy()
	}
	return metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
}

// refund takes a purchase out of the books that was not made. From books that
// cannot be read nothing is taken: a budget errs on the side of spending less.
func (r *Reconciler) refund(ctx context.Context, l *scope, attempt string, price credits.Amount) error {
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), report.PersistTimeout)
	defer cancel()
	_, err := r.book(ctx, l, l.account, credits.Amount{}.Minus(price), false)
	r.Ledger.Reopen(client.ObjectKeyFromObject(l.account), v1alpha1.ReasonBudgetExhausted)
	return err
}

// booksOf reads the account past the cache. It returns nil if its books are gone
// with it, though there may be another one of its name.
func (r *Reconciler) booksOf(ctx context.Context, account *v1alpha1.KieAccount) (*v1alpha1.KieAccount, error) {
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
func (r *Reconciler) book(ctx context.Context, l *scope, of *v1alpha1.KieAccount, change credits.Amount, bounded bool) (state.Wait, error) {
	for writes := 0; ; writes++ {
		account, err := r.booksOf(ctx, of)
		switch {
		case err != nil:
			return state.Wait{}, err
		case account == nil && bounded:
			return state.Wait{}, report.ErrAccountReplaced
		case account == nil:
			return state.Wait{}, nil
		case bounded && state.IsAccountSuspended(account): // since it was admitted
			return suspendedBy(account), nil
		}
		now := r.Clock.Now()
		start, _ := accounts.PeriodOf(account, now)
		if change.IsNegative() && !start.Equal(l.chargedIn) {
			return state.Wait{}, nil // the books of that period are closed
		}
		read := account.DeepCopy()
		if w := accounts.Enter(account, change, bounded, now); w.Reason != "" {
			return w, nil
		}
		patch := client.MergeFromWithOptions(read, client.MergeFromWithOptimisticLock{})
		err = r.Client.Status().Patch(ctx, account, patch)
		switch {
		case err == nil:
			l.chargedIn = start
			return state.Wait{}, nil
		case !apierrors.IsConflict(err) || writes == maxChargeWrites:
			return state.Wait{}, fmt.Errorf("writing what the account has spent: %w", err)
		}
	}
}
