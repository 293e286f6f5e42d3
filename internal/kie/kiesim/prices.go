// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Prices are credits by the name of what is bought; a credit is half a US cent.
// The names are those of [DefaultPrices]:
//
//	veo3, veo3_fast, veo3_lite             a generation at 720p, whatever its length
//	veo3-1080p, veo3-4k, ...               a generation at a higher resolution
//	extend-fast, extend-quality, extend-lite
//	1080p, 4k                              the upgrade of one result
type Prices map[string]float64

// DefaultPrices returns KIE's prices.
func DefaultPrices() Prices {
	return Prices{
		"veo3": 250, "veo3-1080p": 255, "veo3-4k": 370,
		"veo3_fast": 60, "veo3_fast-1080p": 65, "veo3_fast-4k": 180,
		"veo3_lite": 30, "veo3_lite-1080p": 35, "veo3_lite-4k": 150,
		"extend-fast": 60, "extend-quality": 250, "extend-lite": 30,
		resolution1080p: 5, resolution4K: 120,
	}
}

// generation returns the price of a generation at a resolution.
func (p Prices) generation(model, resolution string) float64 {
	if resolution == resolution720p {
		return p[model]
	}
	return p[model+"-"+resolution]
}

// extension returns the price of an extension by a model.
func (p Prices) extension(model string) float64 { return p["extend-"+model] }

// upgrade returns the price of one result at a higher resolution.
func (p Prices) upgrade(resolution string) float64 { return p[resolution] }

// withDefaults returns all prices, the given ones first.
func (p Prices) withDefaults() Prices {
	all := DefaultPrices()
	maps.Copy(all, p)
	return all
}

func (p Prices) validate() error {
	known := DefaultPrices().items()
	for _, item := range p.items() {
		if !slices.Contains(known, item) {
			return fmt.Errorf("%q has a price but is not sold: use %s", item, strings.Join(known, ", "))
		}
		if !isAmount(p[item]) {
			return fmt.Errorf("the price of %s is %v: use zero or more", item, p[item])
		}
	}
	return nil
}

// items returns the names in alphabetical order.
func (p Prices) items() []string { return slices.Sorted(maps.Keys(p)) }
