// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// estimate says what the video will cost, before it is bought.
//
// When it lets the next step go on, l.price and status.estimatedCredits have the
// price of what is to be bought, with its upgrade, if there is one.
func (r *Reconciler) estimate(_ context.Context, l *scope) (bool, error) {
	if l.account == nil {
		return false, nil
	}
	var prices kie.Prices
	prices, l.unread = accounts.PricesOf(l.account)
	l.price, l.priced = r.product.price(l.vg, prices)
	switch {
	case !l.buying() && !state.RetryPending(l.vg):
	case l.unread == nil && l.priced:
		l.vg.Status.EstimatedCredits = l.price.String()
	default:
		l.vg.Status.EstimatedCredits = ""
	}
	return false, nil
}

// requirePrice holds a purchase back that has no price. It comes after all that
// finds what is paid for already.
//
// When it lets the next step go on, nothing is to be bought, or l.price has what
// it costs.
func (r *Reconciler) requirePrice(_ context.Context, l *scope) (bool, error) {
	switch {
	case !l.buying() || l.account == nil:
		return false, nil
	case l.unread != nil:
		l.wait = accounts.Unreadable(l.account, l.unread)
		return true, nil //nolint:nilerr // the wait says which it is
	case !l.priced:
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPriceUnknown, Message: fmt.Sprintf(
			"there is no price for model %s in %s on KieAccount %s, and nothing is bought without one: add it to its spec.prices, or use another model or resolution",
			l.vg.Spec.Model, l.vg.Spec.Resolution, client.ObjectKeyFromObject(l.account))}
		return true, nil
	default:
		return false, nil
	}
}
