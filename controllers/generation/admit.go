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

// purchase buys what is to be bought, unless something holds it back.
//
// When it lets the next step go on, nothing was to be bought, or the status says
// what is known of the purchase.
func (r *Reconciler) purchase(ctx context.Context, l *scope) (bool, error) {
	if !l.buying() || l.pays == nil {
		return false, nil
	}
	q := r.quoteOf(l.vg, l.pays)
	if w, held := q.hold(l.vg, l.pays); held {
		l.wait = w
		return true, nil
	}
	if good, err := r.checkImages(ctx, l); !good || err != nil {
		return true, err
	}
	before := l.counts()
	with := before.withOneMore(l)
	c := candidate{vg: l.vg, account: l.pays, source: l.source, made: before.made, allowed: max(l.vg.Spec.Retry.MaxAttempts, 1) + with.askedAgain}
	if w, held := c.hold(r.Clock.Now()); held {
		r.keepFromQueue(l, w)
		l.wait = w
		return true, nil
	}
	p, w, err := r.admit(ctx, l, q)
	if err != nil || w.Reason != "" {
		l.wait = w
		return true, err
	}
	p.before, p.counts, p.previous, p.overUnbought = before, with, l.vg.Status.Task, isUnbought(l)
	if p.overUnbought {
		p.previous = l.known.replaced
	}
	return r.submit(ctx, l, p)
}

// keepFromQueue keeps a purchase that is held back out of the way of the others.
func (r *Reconciler) keepFromQueue(l *scope, w state.Wait) {
	switch {
	case w.Reason == v1alpha1.ReasonPurchaseLimitReached:
		r.Ledger.Hold(l.pays, l.vg.UID, w)
	case state.NeedsSource(l.vg) && w.Kind == state.Stalled && l.vg.Status.Task == nil:
		l.vg.Status.Account = v1alpha1.AccountIdentity{} // it is nobody's purchase
	}
}

// admit asks for a place on the account. Without one, it says what to wait for.
func (r *Reconciler) admit(ctx context.Context, l *scope, q quote) (purchase, state.Wait, error) {
	r.Ledger.Unhold(l.pays, l.vg.UID, v1alpha1.ReasonPurchaseLimitReached)
	r.Ledger.Unhold(l.pays, l.vg.UID, v1alpha1.ReasonUnreadableCredits)
	key := client.ObjectKeyFromObject(l.pays)
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.MatchingFields{accounts.IndexAccount: key.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return purchase{}, state.Wait{}, fmt.Errorf("listing the resources of the account: %w", err)
	}
	if err := r.Ledger.Unread(l.pays, view.Items); err != nil {
		return purchase{}, accounts.Unreadable(l.pays, errUnreadPurchase), nil //nolint:nilerr // the account says which it is
	}
	// Each try has an attempt of its own, even if nothing came of the last one: a write about that one which is
	// still under way then finds another attempt and changes nothing.
	p := purchase{account: l.pays, attempt: attempts.New(), price: q.price}
	v := r.Ledger.Reserve(key, admission.LimitsOf(l.pays, q.prices), view.Items, l.vg, p.price, p.attempt)
	if v.Admitted {
		return p, state.Wait{}, nil
	}
	w := admission.TurnedAway(v, l.pays, p.price)
	if v.Short {
		r.Ledger.Hold(l.pays, l.vg.UID, w)
	}
	return purchase{}, w, nil
}

// errUnreadPurchase says in every namespace what the account says by name: the
// purchase may be that of another namespace.
var errUnreadPurchase = errors.New("books lack a purchase whose credits cannot be read: see the Ready condition of the account")

// isUnbought reports whether a purchase was begun of which this process knows
// that nothing came of it, though the status does not say so yet. If a callback
// has come for it, the process was mistaken: something may have been bought.
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
