// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"math"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/internal/state"
)

func TestBackoff(t *testing.T) {
	for failed, want := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 20: time.Minute, 21: time.Minute, math.MaxInt: time.Minute,
	} {
		if got := state.Backoff(time.Second, time.Minute, failed); got != want {
			t.Errorf("after %d failures: %s, want %s", failed, got, want)
		}
	}
}
