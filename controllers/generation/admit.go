// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/state"
)

// admit holds a purchase back until the user, the account and its limits allow it.
//
// When it lets the next step go on, nothing is to be bought, or a place for the
// attempt l.attempt is reserved on the account.
func (r *Reconciler) admit(ctx context.Context, l *scope) (bool, error) {
	switch {
	case !l.buying():
		return false, nil
	case state.NeedsSource(l.vg):
		l.wait = l.source
		if l.wait.Kind == state.Stalled && l.vg.Status.Task == nil {
			l.vg.Status.Account = v1alpha1.AccountIdentity{} // it is nobody's purchase
		}
		return true, nil
	case state.IsSuspended(l.vg):
		l.wait = state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: heldBack(l.vg)}
		return true, nil
	}
	if state.IsAccountSuspended(l.account) {
		l.wait = suspendedBy(l.account)
		return true, nil
	}
	prices, err := accounts.Readable(l.account, r.Clock.Now())
	if err != nil {
		l.wait = accounts.Unreadable(l.account, err)
		return true, nil
	}
	w, ready := accounts.ReadyAccount(l.account)
	if !ready {
		l.wait = w
		return true, nil
	}
	if w, reached := purchaseLimit(l); reached {
		l.wait = w
		r.Ledger.Hold(l.account, l.vg.UID, w) // out of the way of the others
		return true, nil
	}
	r.Ledger.Unhold(l.account, l.vg.UID, v1alpha1.ReasonPurchaseLimitReached)
	r.Ledger.Unhold(l.account, l.vg.UID, v1alpha1.ReasonUnreadableCredits)
	// Each try has an attempt of its own, even if nothing came of the last one: a write about that one which is
	// still under way then finds another attempt and changes nothing.
	attempt := attempts.New()
	key := client.ObjectKeyFromObject(l.account)
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.MatchingFields{accounts.IndexAccount: key.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return true, fmt.Errorf("listing the resources of the account: %w", err)
	}
	if err := r.Ledger.Unread(l.account, view.Items); err != nil {
		l.wait = accounts.Unreadable(l.account, errUnreadPurchase)
		return true, nil //nolint:nilerr // the account says which it is
	}
	v := r.Ledger.Reserve(key, admission.LimitsOf(l.account, prices), view.Items, l.vg, l.price, attempt)
	if v.Admitted {
		l.attempt = attempt
		return false, nil
	}
	l.wait = admission.TurnedAway(v, l.account, l.price)
	if v.Short {
		r.Ledger.Hold(l.account, l.vg.UID, l.wait)
	}
	return true, nil
}

// suspendedBy is what a purchase waits for whose account is suspended.
func suspendedBy(account *v1alpha1.KieAccount) state.Wait {
	return state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: fmt.Sprintf(
		"KieAccount %s is suspended: its spec.suspend holds the purchase back", client.ObjectKeyFromObject(account))}
}

// errUnreadPurchase says in every namespace what the account says by name: the
// purchase may be that of another namespace.
var errUnreadPurchase = errors.New("books lack a purchase whose credits cannot be read: see the Ready condition of the account")

// heldBack says what resuming costs, which is what people suspend for.
func heldBack(vg *v1alpha1.VideoGeneration) string {
	if vg.Status.EstimatedCredits == "" {
		return "spec.suspend holds the purchase back"
	}
	return fmt.Sprintf("spec.suspend holds the purchase back, which would cost %s credits", vg.Status.EstimatedCredits)
}

// isUnbought reports whether a purchase was begun of which this process knows
// that nothing came of it, though the status does not say so yet. A callback says
// that it does not know it after all.
func isUnbought(l *scope) bool {
	task := l.vg.Status.Task
	return task != nil && task.State == v1alpha1.TaskSubmitting && task.ID == "" && !state.CalledBack(l.vg) &&
		slices.Contains(l.known.unbought, task.Attempt)
}

// nextInQueue lists the resources whose turn on an account is next.
func (r *Reconciler) nextInQueue(ctx context.Context, account types.NamespacedName, n int) []types.NamespacedName {
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.MatchingFields{accounts.IndexAccount: account.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil // they look again by themselves
	}
	return admission.FirstInQueue(view.Items, n)
}
