// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import "testing"

// KIE.AI lists a price for each model and resolution. It is the same for a
// video that is generated in that resolution and for one that is upgraded to it.
func TestDefaultPricesAreKIEs(t *testing.T) {
	for _, tc := range []struct {
		model, resolution string
		want              int32
	}{
		{"veo3_lite", "720p", 30},
		{"veo3_lite", "1080p", 35},
		{"veo3_lite", "4k", 150},
		{"veo3_fast", "720p", 60},
		{"veo3_fast", "1080p", 65},
		{"veo3_fast", "4k", 180},
		{"veo3", "720p", 250},
		{"veo3", "1080p", 255},
		{"veo3", "4k", 370},
	} {
		p := DefaultPrices()
		task, ok := p.Generation(tc.model)
		upgrade, priced := p.Upgrade(tc.resolution)
		if got := task + upgrade; got != tc.want || !ok || !priced {
			t.Errorf("%s in %s: got %d credits, want %d", tc.model, tc.resolution, got, tc.want)
		}
	}
}

func TestPrices(t *testing.T) {
	p := Prices{
		Generate:     TierPrices{Quality: 1, Fast: 2, Lite: 3},
		Extend:       TierPrices{Quality: 40, Fast: 60, Lite: 50},
		Upgrade1080p: 7,
		Upgrade4K:    8,
	}
	const none = -1
	price := func(credits int32, ok bool) int32 {
		if !ok {
			return none
		}
		return credits
	}
	for _, tc := range []struct {
		reason    string
		got, want int32
	}{
		{"generate, quality", price(p.Generation("veo3")), 1},
		{"generate, fast", price(p.Generation("veo3_fast")), 2},
		{"generate, lite", price(p.Generation("veo3_lite")), 3},
		{"no model is the default of the API", price(p.Generation("")), 2},
		{"an unknown model has no price", price(p.Generation("veo4")), none},
		{"extend, quality", price(p.Extension("veo3")), 40},
		{"extend, fast", price(p.Extension("veo3_fast")), 60},
		{"extend, lite", price(p.Extension("veo3_lite")), 50},
		{"extend, in the words of its endpoint", price(p.Extension("quality")), 40},
		{"extend, in the words of its endpoint", price(p.Extension("fast")), 60},
		{"extend, in the words of its endpoint", price(p.Extension("lite")), 50},
		{"no model is the default of the API", price(p.Extension("")), 60},
		{"an unknown model has no price", price(p.Extension("veo4")), none},
		{"what is there already", price(p.Upgrade("720p")), 0},
		{"1080p", price(p.Upgrade("1080p")), 7},
		{"4k", price(p.Upgrade("4k")), 8},
		{"no resolution is 720p", price(p.Upgrade("")), 0},
		{"an unknown resolution has no price", price(p.Upgrade("8k")), none},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.reason, tc.got, tc.want)
		}
	}
}
