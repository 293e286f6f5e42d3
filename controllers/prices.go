// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// estimate says what the video will cost, before it is bought.
//
// When it lets the next step go on, nothing is to be bought, or l.price and
// status.estimatedCredits have the price of it, with its upgrade. Without a
// price nothing is bought.
func (r *VideoGenerationReconciler) estimate(_ context.Context, l *scope) (bool, error) {
	if l.account == nil {
		return false, nil
	}
	prices, unread := pricesOf(l.account)
	l.price, l.priced = priceOf(l.vg, prices)
	switch {
	case !needsPurchase(l.vg) && !retryPending(l.vg) && !isUnbought(l):
		return false, nil
	case unread != nil:
		l.vg.Status.EstimatedCredits = ""
		l.wait = unreadable(l.account, unread)
		return true, nil
	case !l.priced:
		l.vg.Status.EstimatedCredits = ""
		l.wait = waiting{kind: stalled, reason: v1alpha1.ReasonPriceUnknown, message: fmt.Sprintf(
			"there is no price for model %s in %s on KieAccount %s, and nothing is bought without one: add it to its spec.prices, or use another model or resolution",
			l.vg.Spec.Model, l.vg.Spec.Resolution, client.ObjectKeyFromObject(l.account))}
		return true, nil
	default:
		l.vg.Status.EstimatedCredits = l.price.String()
		return false, nil
	}
}

// pricesOf is the price table of the account: KIE.AI's, where it says nothing
// else. If one price cannot be read there is none for anything: see readCredits.
func pricesOf(account *v1alpha1.KieAccount) (kie.Prices, error) {
	prices := kie.DefaultPrices()
	for _, entry := range account.Spec.Prices {
		price, err := readCredits(fmt.Sprintf("spec.prices[%s, %s].credits", entry.Model, entry.Operation), entry.Credits, "correct it")
		if err != nil {
			return nil, err
		}
		prices[kie.Item{Model: entry.Model, Operation: kie.Operation(entry.Operation)}] = price
	}
	return prices, nil
}

// priceOf is what the resource costs in all. Not ok means that there is no price
// for it.
func priceOf(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	task, hasTask := taskPrice(vg, prices)
	upgrade, hasUpgrade := upgradePrice(vg, prices)
	if !hasTask || !hasUpgrade {
		return credits.Amount{}, false
	}
	return task.Plus(upgrade), true
}

// taskPrice is what its task costs, without the upgrade.
func taskPrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	if vg.Spec.Extend != nil {
		return prices.Extension(string(vg.Spec.Model))
	}
	return prices.Generation(string(vg.Spec.Model))
}

// upgradePrice is what its upgrade costs, nothing where it asks for none.
func upgradePrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	return prices.Upgrade(string(vg.Spec.Model), string(vg.Spec.Resolution))
}
