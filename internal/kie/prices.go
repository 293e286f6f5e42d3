// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import "github.com/kie-operator/kie-operator/internal/credits"

// Operation is what has a price.
type Operation string

// What has a price.
const (
	// OperationGenerate is a new video in 720p, whatever its duration.
	OperationGenerate Operation = "Generate"
	// OperationExtend is a continuation.
	OperationExtend Operation = "Extend"
	// OperationUpgrade1080p and OperationUpgrade4K are the larger versions of a video.
	OperationUpgrade1080p Operation = "Upgrade1080p"
	OperationUpgrade4K    Operation = "Upgrade4K"
)

// Item is what is sold: an operation with a model.
type Item struct {
	// Model is the name of the model where a video is generated, such as "veo3_fast".
	Model     string
	Operation Operation
}

// Prices says what each item costs. The API does not tell its prices and has
// changed them before, so this is data and not a promise. What is not in it has
// no price: it may cost anything.
type Prices map[Item]credits.Amount

// defaultModel is what the API takes where a request names no model.
const defaultModel = "veo3_fast"

// DefaultPrices returns KIE.AI's prices of autumn 2026 (reference, section 9.3).
func DefaultPrices() Prices {
	prices := Prices{}
	for model, video := range map[string]int64{"veo3": 250, "veo3_fast": 60, "veo3_lite": 30} {
		prices[Item{model, OperationGenerate}] = credits.Of(video)
		prices[Item{model, OperationExtend}] = credits.Of(video)
		prices[Item{model, OperationUpgrade1080p}] = credits.Of(5)
		prices[Item{model, OperationUpgrade4K}] = credits.Of(120)
	}
	return prices
}

// Generation is the price of a video in 720p. A video that is generated in a
// higher resolution costs as much more as its upgrade.
//
// Not ok means that there is no price for the model: it may cost anything.
func (p Prices) Generation(model string) (price credits.Amount, ok bool) {
	return p.of(model, OperationGenerate)
}

// Extension is the price of a continuation. Not ok means that there is no price
// for the model.
func (p Prices) Extension(model string) (price credits.Amount, ok bool) {
	return p.of(model, OperationExtend)
}

// Upgrade is what a resolution costs beyond a video of the model in 720p, which
// itself, and no resolution, cost nothing more. Not ok means that there is no
// price for it.
func (p Prices) Upgrade(model, resolution string) (price credits.Amount, ok bool) {
	switch resolution {
	case "1080p":
		return p.of(model, OperationUpgrade1080p)
	case "4k":
		return p.of(model, OperationUpgrade4K)
	case "", "720p":
		return credits.Amount{}, true
	default:
		return credits.Amount{}, false
	}
}

// Cheapest is the price of the cheapest thing that is sold by itself, which no
// upgrade is. Not ok means that nothing has a price.
func (p Prices) Cheapest() (price credits.Amount, ok bool) {
	for item, candidate := range p {
		if item.Operation != OperationGenerate && item.Operation != OperationExtend {
			continue
		}
		if !ok || candidate.Less(price) {
			price, ok = candidate, true
		}
	}
	return price, ok
}

func (p Prices) of(model string, operation Operation) (price credits.Amount, ok bool) {
	if model == "" {
		model = defaultModel
	}
	price, ok = p[Item{model, operation}]
	return price, ok
}
