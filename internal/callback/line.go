// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"container/list"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// line is the queue of callbacks that wait to be written. They are written in the
// order in which they came, a few at a time. A callback has a place in the line
// from its arrival to its answer. There are only as many places as can be served
// in the time that the sender waits, at the pace of the last writes. So a callback
// that gets a place is answered in time, and one that gets none is refused at once.
type line struct {
	clock clock.PassiveClock
	lineLimits

	mu      sync.Mutex
	places  int           // that are taken
	pace    time.Duration // of a write; about the mean of the last ones
	writing list.List     // of time.Time: when each write was begun, the first one in front
	waiting list.List     // of *turn, in the order in which they came
}

// lineLimits are those of limits.go, or smaller ones in tests.
type lineLimits struct {
	limit, writers int
	pace           time.Duration // that is assumed before the first write
}

func newLine(clk clock.PassiveClock, limits lineLimits) *line {
	return &line{clock: clk, lineLimits: limits, pace: limits.pace}
}

// enter takes a place for a sender that waits for as long as patience. It reports
// false if there is none.
func (l *line) enter(patience time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == l.limit || l.expected() > patience {
		return false
	}
	l.places++
	return true
}

// expected is how long it takes until one more callback is written. When the API
// server hangs, no write ends, and the measured pace stays that of the past. So the
// age of the oldest write under way counts too: in ordinary times the oldest of
// maxWriters writes has taken about four times as long as the average write, and an
// older one shows a slower pace.
func (l *line) expected() time.Duration {
	pace := l.pace
	if first := l.writing.Front(); first != nil {
		pace = max(pace, l.clock.Since(first.Value.(time.Time))/4)
	}
	rounds := l.places/l.writers + 1
	return time.Duration(rounds) * pace
}

// leave gives the place back.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places--
}

// turn is that of one callback. The lock of its line guards it.
type turn struct {
	line    *line
	called  chan struct{} // closed when it begins
	waiting *list.Element
	writing *list.Element // nil until it begins
}

// turn waits for the turn of a callback that has a place. The turn lasts until its
// end is called.
func (l *line) turn(ctx context.Context) (*turn, error) {
	t := l.queue()
	select {
	case <-t.called:
		return t, nil
	case <-ctx.Done():
		t.abandon()
		return nil, ctx.Err()
	}
}

func (l *line) queue() *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &turn{line: l, called: make(chan struct{})}
	t.waiting = l.waiting.PushBack(t)
	l.call()
	return t
}

// call begins the turns of those in front, as far as there are writers.
func (l *line) call() {
	for l.waiting.Len() > 0 && l.writing.Len() < l.writers {
		t := l.waiting.Remove(l.waiting.Front()).(*turn)
		t.waiting = nil
		t.writing = l.writing.PushBack(l.clock.Now())
		close(t.called)
	}
}

// abandon ends a turn for which nobody waits any more, begun or not.
func (t *turn) abandon() {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	if t.waiting != nil {
		t.line.waiting.Remove(t.waiting)
		t.waiting = nil
	}
	if t.writing != nil {
		t.line.writing.Remove(t.writing)
		t.line.call()
	}
}

// end ends a turn that was begun. If something was written in it, it is a measure
// of the pace.
func (t *turn) end(wrote bool) {
	if wrote {
		t.line.mu.Lock()
		took := t.line.clock.Since(t.writing.Value.(time.Time))
		t.line.pace += (took - t.line.pace) / paceMemory
		t.line.mu.Unlock()
	}
	t.abandon()
}
