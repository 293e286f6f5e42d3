// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"time"

	"k8s.io/utils/clock"
)

// timer is what happens at a time, whoever looks.
type timer struct {
	at  time.Time
	act func()
}

// later does something after some time.
func (w *world) later(after time.Duration, act func()) {
	w.timers = append(w.timers, timer{at: w.clock.Now().Add(after), act: act})
	slices.SortStableFunc(w.timers, func(a, b timer) int { return a.at.Compare(b.at) })
}

// strike does what is due, and reports whether there was anything.
func (w *world) strike() (struck bool) {
	for len(w.timers) > 0 && !w.timers[0].at.After(w.clock.Now()) {
		due := w.timers[0]
		w.timers = w.timers[1:]
		due.act()
		struck = true
	}
	return struck
}

// skewed is a clock that is ahead of another one, or behind it.
type skewed struct {
	clock.PassiveClock
	ahead time.Duration
}

func (c skewed) Now() time.Time { return c.PassiveClock.Now().Add(c.ahead) }

func (c skewed) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// sigterm tells the process to end: its contexts are ended now, and the next one
// begins when what it is at has returned.
func (w *world) sigterm() {
	w.stopping.Store(true)
	if w.stop != nil {
		w.stop()
	}
}

// freeze stops the process for a time, while the wall clock goes on.
func (w *world) freeze(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }
