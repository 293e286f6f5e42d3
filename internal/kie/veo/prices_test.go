// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"testing"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// KIE.AI lists a price for each model and resolution. It is the same for a
// video that is generated in that resolution and for one that is upgraded to it.
func TestDefaultPricesAreKIEs(t *testing.T) {
	for _, tc := range []struct {
		model, resolution string
		want              int64
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
		task, ok := GenerationPrice(p, tc.model)
		upgrade, priced := UpgradePrice(p, tc.model, tc.resolution)
		if got := task.Plus(upgrade); got != credits.Of(tc.want) || !ok || !priced {
			t.Errorf("%s in %s: got %s credits, want %d", tc.model, tc.resolution, got, tc.want)
		}
		if extension, ok := ExtensionPrice(p, tc.model); extension != task || !ok {
			t.Errorf("an extension by %s costs %s credits, want %s", tc.model, extension, task)
		}
	}
}

func TestPrices(t *testing.T) {
	p := kie.Prices{
		{Model: "veo3", Operation: kie.OperationGenerate}:          credits.Of(1),
		{Model: "veo3_fast", Operation: kie.OperationGenerate}:     credits.Of(2),
		{Model: "kling-3.0/video", Operation: kie.OperationExtend}: credits.Of(3),
		{Model: "veo3", Operation: kie.OperationExtend}:            credits.Of(40),
		{Model: "veo3_fast", Operation: kie.OperationExtend}:       credits.Of(60),
		{Model: "veo3", Operation: kie.OperationUpgrade1080p}:      credits.Of(7),
		{Model: "veo3", Operation: kie.OperationUpgrade4K}:         credits.Of(8),
		{Model: "veo3_fast", Operation: kie.OperationUpgrade1080p}: credits.Amount{},
	}
	const none = "none"
	price := func(amount credits.Amount, ok bool) string {
		if !ok {
			return none
		}
		return amount.String()
	}
	for _, tc := range []struct {
		reason, got, want string
	}{
		{"generate", price(GenerationPrice(p, "veo3")), "1"},
		{"generate, another model", price(GenerationPrice(p, "veo3_fast")), "2"},
		{"generate, no model is the default of the API", price(GenerationPrice(p, "")), "2"},
		{"generate, an unknown model has no price", price(GenerationPrice(p, "veo4")), none},
		{"generate, a model that is priced for something else", price(GenerationPrice(p, "kling-3.0/video")), none},
		{"extend", price(ExtensionPrice(p, "veo3")), "40"},
		{"extend, another model", price(ExtensionPrice(p, "kling-3.0/video")), "3"},
		{"extend, no model is the default of the API", price(ExtensionPrice(p, "")), "60"},
		{"extend, an unknown model has no price", price(ExtensionPrice(p, "veo4")), none},
		{"what is there already", price(UpgradePrice(p, "veo3", "720p")), "0"},
		{"no resolution is 720p", price(UpgradePrice(p, "veo3", "")), "0"},
		{"1080p", price(UpgradePrice(p, "veo3", "1080p")), "7"},
		{"4k", price(UpgradePrice(p, "veo3", "4k")), "8"},
		{"a price of 0 is a price", price(UpgradePrice(p, "veo3_fast", "1080p")), "0"},
		{"an upgrade by another model has no price", price(UpgradePrice(p, "veo3_fast", "4k")), none},
		{"an unknown resolution has no price", price(UpgradePrice(p, "veo3", "8k")), none},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.reason, tc.got, tc.want)
		}
	}
}
