// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"fmt"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/veo"
)

// PricesOf is the price table of the account: its own prices, and KIE.AI's for what
// it does not list. If one price cannot be read, there is no table, and the error is
// that of ReadCredits.
func PricesOf(account *v1alpha1.KieAccount) (kie.Prices, error) {
	prices := veo.DefaultPrices()
	for _, entry := range account.Spec.Prices {
		price, err := ReadCredits(fmt.Sprintf("spec.prices[%s, %s].credits", entry.Model, entry.Operation), entry.Credits, "correct it")
		if err != nil {
			return nil, err
		}
		prices[kie.Item{Model: entry.Model, Operation: kie.Operation(entry.Operation)}] = price
	}
	return prices, nil
}

// PriceOf is what the resource costs in all; ok is false if a price is missing.
func PriceOf(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	task, hasTask := TaskPrice(vg, prices)
	upgrade, hasUpgrade := UpgradePrice(vg, prices)
	if !hasTask || !hasUpgrade {
		return credits.Amount{}, false
	}
	return task.Plus(upgrade), true
}

// TaskPrice is what its task costs, without the upgrade.
func TaskPrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	if vg.Spec.Extend != nil {
		return veo.ExtensionPrice(prices, string(vg.Spec.Model))
	}
	return veo.GenerationPrice(prices, string(vg.Spec.Model))
}

// UpgradePrice is what its upgrade costs, nothing where it asks for none.
func UpgradePrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool) {
	return veo.UpgradePrice(prices, string(vg.Spec.Model), string(vg.Spec.Resolution))
}
