// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strconv"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// estimate says what the video will cost, before it is bought.
//
// When it lets the next step go on, status.estimatedCredits has the price of
// what is to be bought, with its upgrade.
func (r *VideoGenerationReconciler) estimate(_ context.Context, l *life) (bool, error) {
	if l.account != nil && (needsPurchase(l.vg) || retryPending(l.vg)) {
		l.vg.Status.EstimatedCredits = strconv.FormatInt(priceOf(l.vg, pricesOf(l.account)), 10)
	}
	return false, nil
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

// priceOf is what the resource costs in all, in credits.
func priceOf(vg *v1alpha1.VideoGeneration, prices kie.Prices) int64 {
	return taskPrice(vg, prices) + int64(prices.Upgrade(string(vg.Spec.Resolution)))
}

// taskPrice is what its task costs, without the upgrade.
func taskPrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) int64 {
	if vg.Spec.Extend != nil {
		return int64(prices.Extension(string(vg.Spec.Model)))
	}
	return int64(prices.Generation(string(vg.Spec.Model)))
}

// cheapest is the price of the cheapest thing that can be bought.
func cheapest(prices kie.Prices) float64 {
	return float64(min(prices.Generate.Quality, prices.Generate.Fast, prices.Generate.Lite,
		prices.Extend.Quality, prices.Extend.Fast, prices.Extend.Lite))
}

// creditsIn reads a number of credits in a status; what is none is 0.
func creditsIn(text string) int64 {
	credits, err := strconv.ParseInt(text, 10, 64)
	if err != nil || credits < 0 {
		return 0
	}
	return credits
}

// creditsText writes a number of credits for a status.
func creditsText(credits float64) string { return strconv.FormatFloat(credits, 'f', -1, 64) }
