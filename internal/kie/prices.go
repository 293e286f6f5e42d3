// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

// Prices says what each purchase costs, in credits. The API does not tell its
// prices and has changed them before, so this is data and not a promise.
type Prices struct {
	// Generate is the price of a video in 720p, whatever its duration.
	Generate TierPrices
	// Extend is the price of a continuation.
	Extend TierPrices
	// Upgrade1080p and Upgrade4K are the prices of the larger versions, for every tier.
	Upgrade1080p, Upgrade4K int32
}

// TierPrices are prices that depend on the model.
type TierPrices struct {
	Quality, Fast, Lite int32
}

// DefaultPrices are KIE.AI's prices of autumn 2026 (reference, section 9.3). A
// credit is half a US cent.
func DefaultPrices() Prices {
	tiers := TierPrices{Quality: 250, Fast: 60, Lite: 30}
	return Prices{Generate: tiers, Extend: tiers, Upgrade1080p: 5, Upgrade4K: 120}
}

// Generation is the price of a video in 720p. A video that is generated in a
// higher resolution costs as much more as its upgrade.
func (p Prices) Generation(model string) int32 { return p.Generate.of(model) }

// Extension is the price of a continuation. The model has its name at either
// endpoint, "veo3_fast" or "fast".
func (p Prices) Extension(model string) int32 { return p.Extend.of(model) }

// Upgrade is what a resolution costs beyond a video in 720p: "1080p" and "4k"
// have a price, and everything else has none.
func (p Prices) Upgrade(resolution string) int32 {
	switch resolution {
	case "1080p":
		return p.Upgrade1080p
	case "4k":
		return p.Upgrade4K
	default:
		return 0
	}
}

// of is the price for a model. No model is the API's default, and an unknown one
// costs as much as the dearest: who keeps to a budget must not guess too low.
func (t TierPrices) of(model string) int32 {
	switch ExtendModel(model) {
	case "quality":
		return t.Quality
	case "fast", "":
		return t.Fast
	case "lite":
		return t.Lite
	default:
		return max(t.Quality, t.Fast, t.Lite)
	}
}
