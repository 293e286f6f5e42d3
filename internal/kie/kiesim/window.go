// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import "time"

// window counts events in a sliding window of time and remembers the fullest
// one. An event leaves the window exactly one length after it came. It is not
// safe for concurrent use.
type window struct {
	length time.Duration
	events []time.Time
	most   int
}

// count returns the number of events in the window that ends now.
func (w *window) count(now time.Time) int {
	gone := 0
	for gone < len(w.events) && !w.events[gone].After(now.Add(-w.length)) {
		gone++
	}
	w.events = w.events[gone:]
	return len(w.events)
}

// add counts an event that happens now.
func (w *window) add(now time.Time) {
	w.events = append(w.events, now)
	w.most = max(w.most, w.count(now))
}
