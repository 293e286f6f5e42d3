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
//
// Not ok means that there is no price for the model: it may cost anything.
func (p Prices) Generation(model string) (credits int32, ok bool) { return p.Generate.of(model) }

// Extension is the price of a continuation. The model has its name at either
// endpoint, "veo3_fast" or "fast". Not ok means that there is no price for it.
func (p Prices) Extension(model string) (credits int32, ok bool) { return p.Extend.of(model) }

// Upgrade is what a resolution costs beyond a video in 720p, which itself, and
// no resolution, cost nothing more. Not ok means that there is no price for it.
func (p Prices) Upgrade(resolution string) (credits int32, ok bool) {
	switch resolution {
	case "1080p":
		return p.Upgrade1080p, true
	case "4k":
		return p.Upgrade4K, true
	case "", "720p":
		return 0, true
	default:
		return 0, false
	}
}

// of is the price for a model. No model is the API's default.
func (t TierPrices) of(model string) (credits int32, ok bool) {
	switch ExtendModel(model) {
	case "quality":
		return t.Quality, true
	case "fast", "":
		return t.Fast, true
	case "lite":
		return t.Lite, true
	default:
		return 0, false
	}
}
