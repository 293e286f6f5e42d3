// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// charge is a purchase as it stands in the books of an account.
type charge struct {
	account *v1alpha1.KieAccount
	attempt string
	price   credits.Amount
	// period is the start of the budget period in which the account's status has the purchase; zero if it does not have it.
	period time.Time
	// counted says that it is counted in memory, as for an account without a budget.
	counted bool
}

// charge enters a purchase into the books of its account before it is made, if
// there is a budget to be kept: in the account's status, with a version that
// fails if anybody has written since it was read. Without a budget it is counted
// with the intent, and gets into the status with the next look at the account.
//
// A process that dies between this and the purchase leaves the price in the
// books: a budget errs on the side of spending less. If the price does not fit
// into the budget, charge returns what to wait for.
func (r *Reconciler) charge(ctx context.Context, account *v1alpha1.KieAccount, attempt string, price credits.Amount) (charge, state.Wait, error) {
	c := charge{account: account, attempt: attempt, price: price}
	if price.IsZero() || account.Spec.Budget == nil {
		return c, state.Wait{}, nil
	}
	var w state.Wait
	var err error
	c.period, w, err = r.book(ctx, account, entry{change: price, bounded: true})
	return c, w, err
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
	if err := r.bookUnbounded(ctx, account, what, spent); err != nil {
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

func (r *Reconciler) bookUnbounded(ctx context.Context, account *v1alpha1.KieAccount, what booking, spent credits.Amount) error {
	if account.Spec.Budget != nil {
		if _, w, err := r.book(ctx, account, entry{change: spent}); err != nil || w.Reason == "" {
			return err
		}
	}
	r.Ledger.Spend(v1alpha1.IdentityOf(account), what.purchase, spent)
	r.CheckAccount(client.ObjectKeyFromObject(account))
	return nil
}

// submittedAt is the time of a purchase that is about to be made. From it on, the
// purchase counts in the books of an account without a budget.
func (r *Reconciler) submittedAt(c *charge) metav1.Time {
	if c.account.Spec.Budget == nil && !c.price.IsZero() {
		c.counted = true
		return metav1.NewTime(r.Ledger.Spend(v1alpha1.IdentityOf(c.account), c.attempt, c.price)).Rfc3339Copy()
	}
	return metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
}

// refund takes a purchase that was not made out of the books. From books that
// cannot be read nothing is taken: a budget errs on the side of spending less.
func (r *Reconciler) refund(ctx context.Context, c charge) error {
	switch {
	case c.counted:
		r.Ledger.Unspend(v1alpha1.IdentityOf(c.account), c.attempt, c.price)
		return nil
	case c.period.IsZero():
		return nil // it is in no books
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), report.PersistTimeout)
	defer cancel()
	_, _, err := r.book(ctx, c.account, entry{change: credits.Amount{}.Minus(c.price), only: c.period})
	r.Ledger.Reopen(client.ObjectKeyFromObject(c.account), v1alpha1.ReasonBudgetExhausted)
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

// entry is a change of what an account has spent.
type entry struct {
	change credits.Amount
	// bounded says that it must fit into the budget, and that the account may not be suspended.
	bounded bool
	// only is the start of the one period in which it may be entered; zero for any.
	only time.Time
}

// book enters a change into what an account has spent in this period. It returns
// the start of the period in whose books the change is, or what it waits for. An
// account that is gone buys nothing more, and what it has bought is in nobody's books.
func (r *Reconciler) book(ctx context.Context, account *v1alpha1.KieAccount, e entry) (period time.Time, w state.Wait, err error) {
	err = report.WriteAgain(func() error {
		period, w, err = r.bookOnce(ctx, account, e)
		return err
	})
	return period, w, err
}

func (r *Reconciler) bookOnce(ctx context.Context, of *v1alpha1.KieAccount, e entry) (time.Time, state.Wait, error) {
	account, err := r.booksOf(ctx, of)
	switch {
	case err != nil:
		return time.Time{}, state.Wait{}, err
	case account == nil && e.bounded:
		return time.Time{}, state.Wait{}, report.ErrAccountReplaced
	case account == nil:
		return time.Time{}, state.Wait{}, nil
	case e.bounded && state.IsAccountSuspended(account): // since it was admitted
		return time.Time{}, suspendedBy(account), nil
	}
	now := r.Clock.Now()
	start, _ := accounts.PeriodOf(account, now)
	if !e.only.IsZero() && !start.Equal(e.only) {
		return time.Time{}, state.Wait{}, nil // the books of that period are closed
	}
	read := account.DeepCopy()
	if w := accounts.Enter(account, e.change, e.bounded, now); w.Reason != "" {
		return time.Time{}, w, nil
	}
	patch := client.MergeFromWithOptions(read, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, account, patch); err != nil {
		return time.Time{}, state.Wait{}, fmt.Errorf("writing what the account has spent: %w", err)
	}
	return start, state.Wait{}, nil
}
