// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import "time"

// maxDoublings is how often a time is doubled at most: more would overflow.
const maxDoublings = 20

// Backoff is how long to wait after a failure, where failed counts the failures in a
// row before it: first for the first one, then twice as long each time, and at most
// most.
func Backoff(first, most time.Duration, failed int) time.Duration {
	if failed > maxDoublings {
		return most
	}
	return min(first<<max(failed, 0), most)
}
