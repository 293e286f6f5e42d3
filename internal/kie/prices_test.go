// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"testing"

	"github.com/kie-operator/kie-operator/internal/credits"
)

func TestCheapest(t *testing.T) {
	upgrade := Item{"veo3", OperationUpgrade1080p}
	for _, tc := range []struct {
		reason string
		prices Prices
		want   int64
		none   bool
	}{
		{"a video", Prices{{"veo3", OperationGenerate}: credits.Of(2), {"veo3_fast", OperationGenerate}: credits.Of(1), {"veo3", OperationExtend}: credits.Of(40)}, 1, false},
		{"a continuation", Prices{{"veo3", OperationGenerate}: credits.Of(2), {"kling-3.0/video", OperationExtend}: credits.Of(1)}, 1, false},
		{"no upgrade", Prices{{"veo3", OperationGenerate}: credits.Of(2), upgrade: credits.Amount{}}, 2, false},
		{"nothing but an upgrade has a price", Prices{upgrade: credits.Of(5)}, 0, true},
		{"nothing has a price", Prices{}, 0, true},
	} {
		if got, ok := tc.prices.Cheapest(); got != credits.Of(tc.want) || ok == tc.none {
			t.Errorf("%s: got %s, %t, want %d", tc.reason, got, ok, tc.want)
		}
	}
}
