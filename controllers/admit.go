// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// queueResync is how often a resource in the queue is looked at if nothing
// wakes it.
const queueResync = 30 * time.Second

// indexAccount is the field index of VideoGenerations by the name of the account
// that pays, as in namespace/name: one that is created again goes on with what
// the one before it has left.
const indexAccount = "status.account"

// admit holds a purchase back until the user, the account and its limits allow it.
//
// When it lets the next step go on, nothing is to be bought, or a place for the
// attempt l.attempt is reserved on the account.
func (r *VideoGenerationReconciler) admit(ctx context.Context, l *scope) (bool, error) {
	switch {
	case !l.buying():
		return false, nil
	case needsSource(l.vg):
		l.wait = l.source
		if l.wait.kind == stalled && l.vg.Status.Task == nil {
			l.vg.Status.Account = v1alpha1.AccountIdentity{} // it is nobody's purchase
		}
		return true, nil
	case isSuspended(l.vg):
		l.wait = waiting{kind: held, reason: v1alpha1.ReasonSuspended, message: heldBack(l.vg)}
		return true, nil
	}
	if isAccountSuspended(l.account) {
		l.wait = waiting{kind: held, reason: v1alpha1.ReasonSuspended, message: fmt.Sprintf(
			"KieAccount %s is suspended: its spec.suspend holds the purchase back", client.ObjectKeyFromObject(l.account))}
		return true, nil
	}
	prices, err := readable(l.account, r.Clock.Now())
	if err != nil {
		l.wait = unreadable(l.account, err)
		return true, nil
	}
	w, ready := readyAccount(l.account)
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
	if err := r.Client.List(ctx, &view, client.MatchingFields{indexAccount: key.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return true, fmt.Errorf("listing the resources of the account: %w", err)
	}
	if err := r.Ledger.Unread(l.account, view.Items); err != nil {
		l.wait = unreadable(l.account, errUnreadPurchase)
		return true, nil
	}
	v := r.Ledger.Reserve(key, limitsOf(l.account, prices), view.Items, l.vg, l.price, attempt)
	if v.admitted {
		l.attempt = attempt
		return false, nil
	}
	l.wait = turnedAway(v, l.account, l.price)
	if v.short {
		r.Ledger.Hold(l.account, l.vg.UID, l.wait)
	}
	return true, nil
}

// errUnreadPurchase says in every namespace what the account says by name: the
// purchase may be that of another namespace.
var errUnreadPurchase = errors.New("books lack a purchase whose credits cannot be read: see the Ready condition of the account")

// turnedAway is what a purchase waits for that was not admitted.
func turnedAway(v verdict, account *v1alpha1.KieAccount, price credits.Amount) waiting {
	key := client.ObjectKeyFromObject(account)
	switch {
	case v.short:
		return waiting{kind: retrying, reason: v1alpha1.ReasonInsufficientCredits, retryAfter: balanceEveryBusy, message: fmt.Sprintf(
			"the video costs %s credits, and the balance of KieAccount %s is lower: buy credits at KIE.AI", price, key)}
	case v.held != nil:
		w := *v.held
		w.retryAfter = v.retryAfter
		return w
	case v.refused != "":
		w := waitingFor(v.refused, account)
		w.retryAfter = v.retryAfter
		return w
	}
	w := waiting{reason: v1alpha1.ReasonQueued, retryAfter: queueResync, message: fmt.Sprintf(
		"waiting for a turn on KieAccount %s, which allows %d submissions in %s and %d videos in flight",
		key, account.Spec.Limits.Submissions, account.Spec.Limits.Window.Duration, account.Spec.Limits.InFlight)}
	if v.byWindow {
		w.retryAfter = v.retryAfter
	}
	return w
}

// heldBack says what resuming costs, which is what people suspend for.
func heldBack(vg *v1alpha1.VideoGeneration) string {
	if vg.Status.EstimatedCredits == "" {
		return "spec.suspend holds the purchase back"
	}
	return fmt.Sprintf("spec.suspend holds the purchase back, which would cost %s credits", vg.Status.EstimatedCredits)
}

// isUnbought reports whether a purchase was begun of which this process knows
// that nothing came of it, though the status does not say so yet.
func isUnbought(l *scope) bool {
	task := l.vg.Status.Task
	return task != nil && task.State == v1alpha1.TaskSubmitting && task.ID == "" && slices.Contains(l.known.unbought, task.Attempt)
}

func limitsOf(account *v1alpha1.KieAccount, prices kie.Prices) limits {
	return limits{
		generation: account.Generation,
		// the API server sees to values above zero, but not to what was stored before it did
		submissions: max(int(account.Spec.Limits.Submissions), 1),
		window:      max(account.Spec.Limits.Window.Duration, time.Second),
		inFlight:    max(int(account.Spec.Limits.InFlight), 1),
		prices:      prices,
	}
}

// nextInQueue lists the resources whose turn on an account is next.
func (r *VideoGenerationReconciler) nextInQueue(ctx context.Context, account types.NamespacedName, n int) []types.NamespacedName {
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.MatchingFields{indexAccount: account.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil // they look again by themselves
	}
	return firstInQueue(view.Items, n)
}
