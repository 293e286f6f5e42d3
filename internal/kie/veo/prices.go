// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// defaultModel is what the API takes where a request names no model.
const defaultModel = "veo3_fast"

// DefaultPrices returns KIE.AI's prices for Veo of autumn 2026, in credits (reference,
// section 9.3).
func DefaultPrices() kie.Prices {
	prices := kie.Prices{}
	for model, video := range map[string]int64{"veo3": 250, "veo3_fast": 60, "veo3_lite": 30} {
		prices[kie.Item{Model: model, Operation: kie.OperationGenerate}] = credits.Of(video)
		prices[kie.Item{Model: model, Operation: kie.OperationExtend}] = credits.Of(video)
		prices[kie.Item{Model: model, Operation: kie.OperationUpgrade1080p}] = credits.Of(5)
		prices[kie.Item{Model: model, Operation: kie.OperationUpgrade4K}] = credits.Of(120)
	}
	return prices
}

// GenerationPrice is the price of a video in 720p. A video that is generated in a
// higher resolution costs as much more as its upgrade.
//
// Not ok means that there is no price for the model: it may cost anything.
func GenerationPrice(prices kie.Prices, model string) (price credits.Amount, ok bool) {
	return priceOf(prices, model, kie.OperationGenerate)
}

// ExtensionPrice is the price of a continuation. Not ok means that there is no price
// for the model.
func ExtensionPrice(prices kie.Prices, model string) (price credits.Amount, ok bool) {
	return priceOf(prices, model, kie.OperationExtend)
}

// UpgradePrice is what a resolution costs beyond a video of the model in 720p, which
// itself, and no resolution, cost nothing more. Not ok means that there is no
// price for it.
func UpgradePrice(prices kie.Prices, model, resolution string) (price credits.Amount, ok bool) {
	switch resolution {
	case "1080p":
		return priceOf(prices, model, kie.OperationUpgrade1080p)
	case "4k":
		return priceOf(prices, model, kie.OperationUpgrade4K)
	case "", "720p":
		return credits.Amount{}, true
	default:
		return credits.Amount{}, false
	}
}

func priceOf(prices kie.Prices, model string, operation kie.Operation) (price credits.Amount, ok bool) {
	if model == "" {
		model = defaultModel
	}
	price, ok = prices[kie.Item{Model: model, Operation: operation}]
	return price, ok
}
