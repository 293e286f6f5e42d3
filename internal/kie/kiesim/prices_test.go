// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"testing"
	"time"
)

// TestEverythingHasItsPrice buys one of each, and checks that no price is for
// nothing.
func TestEverythingHasItsPrice(t *testing.T) {
	prices := Prices{}
	for i, item := range DefaultPrices().items() {
		prices[item] = float64(int(1) << i)
	}
	f := newFixture(t, Options{Prices: prices, Credits: 1 << 20, RateLimit: -1})
	var bases []string
	for _, model := range []string{"veo3", "veo3_fast", "veo3_lite"} {
		for _, resolution := range []string{"720p", "1080p", "4k"} {
			id := f.made(fields{"prompt": "a", "model": model, "resolution": resolution})
			if resolution == "720p" {
				bases = append(bases, id)
			}
		}
	}
	for i, model := range []string{"fast", "quality", "lite"} {
		f.acceptExtension(fields{"taskId": bases[i], "prompt": "b", "model": model})
	}
	f.get1080p(bases[0])
	f.get4K(fields{"taskId": bases[0]})
	if got, want := f.balance(), float64(1<<20-(int(1)<<len(prices)-1)); got != want {
		t.Errorf("balance is %v, want %v", got, want)
	}
}

// TestBalanceIsWhatWasNotSpent checks the account against the price of every
// purchase, failed and running ones among them.
func TestBalanceIsWhatWasNotSpent(t *testing.T) {
	f := newFixture(t, Options{Credits: 5000.5})
	made := f.made(fields{"prompt": "[sim:4k-fail=500]", "model": "veo3"})
	f.made(fields{"prompt": "[sim:fail=400]", "resolution": "4k"})
	f.acceptExtension(fields{"taskId": made, "prompt": "[sim:fail=500]", "model": "quality"})
	f.acceptExtension(fields{"taskId": made, "prompt": "[sim:latency=1h]", "model": "lite"})
	f.get1080p(made)
	f.get4K(fields{"taskId": made})
	f.clock.advance(time.Minute)

	state := f.State()
	want := 5000.5
	failed := 0
	spend := func(credits float64, state TaskState) {
		if state == TaskFailed {
			failed++
			return
		}
		want -= credits
	}
	for _, task := range state.Tasks {
		spend(task.Credits, task.State)
	}
	for _, upgrade := range state.Upgrades {
		spend(upgrade.Credits, upgrade.State)
	}
	if state.Balance != want || want != 5000.5-250-30-5 || failed != 3 {
		t.Errorf("balance is %v, %d failed; want %v, 4715.5 and 3", state.Balance, failed, want)
	}
}
