// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// estimate says what the video will cost, before it is bought.
//
// When it lets the next step go on, nothing is to be bought, or l.price and
// status.estimatedCredits have the price of it, with its upgrade. Without a
// price nothing is bought.
func (r *VideoGenerationReconciler) estimate(_ context.Context, l *life) (bool, error) {
	if l.account == nil {
		return false, nil
	}
	price, ok := priceOf(l.vg, pricesOf(l.account))
	l.price = price
	switch {
	case !needsPurchase(l.vg) && !retryPending(l.vg) && !isUnbought(l):
		return false, nil
	case !ok:
		l.vg.Status.EstimatedCredits = ""
		l.wait = waiting{kind: stalled, reason: v1alpha1.ReasonPriceUnknown, message: fmt.Sprintf(
			"there is no price for model %s in %s on KieAccount %s, and nothing is bought without one: use another model or resolution, or an operator that knows it",
			l.vg.Spec.Model, l.vg.Spec.Resolution, client.ObjectKeyFromObject(l.account))}
		return true, nil
	default:
		l.vg.Status.EstimatedCredits = strconv.FormatInt(price, 10)
		return false, nil
	}
}

// pricesOf is the price table of the account: KIE.AI's, where it says nothing else.
func pricesOf(account *v1alpha1.KieAccount) kie.Prices {
	prices, changed := kie.DefaultPrices(), account.Spec.Prices
	tiers := func(t *kie.TierPrices, changed v1alpha1.TierPrices) {
		t.Quality, t.Fast, t.Lite = ptr.Deref(changed.Quality, t.Quality), ptr.Deref(changed.Fast, t.Fast), ptr.Deref(changed.Lite, t.Lite)
	}
	tiers(&prices.Generate, changed.Generate)
	tiers(&prices.Extend, changed.Extend)
	prices.Upgrade1080p = ptr.Deref(changed.Upgrade1080p, prices.Upgrade1080p)
	prices.Upgrade4K = ptr.Deref(changed.Upgrade4K, prices.Upgrade4K)
	return prices
}

// priceOf is what the resource costs in all, in credits. Not ok means that there
// is no price for it.
func priceOf(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits int64, ok bool) {
	task, hasTask := taskPrice(vg, prices)
	upgrade, hasUpgrade := prices.Upgrade(string(vg.Spec.Resolution))
	return task + int64(upgrade), hasTask && hasUpgrade
}

// taskPrice is what its task costs, without the upgrade.
func taskPrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits int64, ok bool) {
	price := prices.Generation
	if vg.Spec.Extend != nil {
		price = prices.Extension
	}
	task, ok := price(string(vg.Spec.Model))
	return int64(task), ok
}

// cheapest is the price of the cheapest thing that can be bought.
func cheapest(prices kie.Prices) float64 {
	return float64(min(prices.Generate.Quality, prices.Generate.Fast, prices.Generate.Lite,
		prices.Extend.Quality, prices.Extend.Fast, prices.Extend.Lite))
}

// creditsIn reads a number of credits in a status. Not ok means that there is
// none that can be read.
func creditsIn(text string) (credits int64, ok bool) {
	credits, err := strconv.ParseInt(text, 10, 64)
	if err != nil || credits < 0 {
		return 0, false
	}
	return credits, true
}

// creditsText writes a number of credits for a status.
func creditsText(credits float64) string { return strconv.FormatFloat(credits, 'f', -1, 64) }
