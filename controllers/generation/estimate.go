// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// quote is what a video costs on an account, with its upgrade.
type quote struct {
	price credits.Amount
	// known says that there is a price.
	known bool
	// unread says which number of the price table cannot be read.
	unread error
	// prices is the table.
	prices kie.Prices
}

// quoteOf looks up what the resource costs on an account.
func (r *Reconciler) quoteOf(vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) quote {
	var q quote
	q.prices, q.unread = accounts.PricesOf(account)
	q.price, q.known = r.product.price(vg, q.prices)
	return q
}

// estimate writes into the status how much the next purchase costs, if there is a
// price for it.
//
// It always lets the next step go on.
func (r *Reconciler) estimate(_ context.Context, l *scope) (bool, error) {
	if l.pays == nil || (!l.buying() && !state.RetryPending(l.vg)) {
		return false, nil
	}
	l.vg.Status.EstimatedCredits = ""
	if q := r.quoteOf(l.vg, l.pays); q.unread == nil && q.known {
		l.vg.Status.EstimatedCredits = q.price.String()
	}
	return false, nil
}

// hold is what a purchase waits for that has no price, and whether it has none.
func (q quote) hold(vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) (state.Wait, bool) {
	switch {
	case q.unread != nil:
		return accounts.Unreadable(account, q.unread), true
	case !q.known:
		return state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPriceUnknown, Message: fmt.Sprintf(
			"there is no price for model %s in %s on KieAccount %s, and nothing is bought without one: add it to its spec.prices, or use another model or resolution",
			vg.Spec.Model, vg.Spec.Resolution, client.ObjectKeyFromObject(account))}, true
	default:
		return state.Wait{}, false
	}
}
