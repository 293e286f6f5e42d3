// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"math"
	"time"
)

// ledger is everything that changes in a simulator. The simulator's lock guards
// it.
type ledger struct {
	apiKey     string
	faults     Faults
	onAccepted func(Task)
	balance    float64

	// tasks are in the order of acceptance.
	tasks []*task
	byID  map[string]*task
	// ending holds the running tasks until they finish.
	ending schedule[*task]
	// outbox holds the callbacks until they are due.
	outbox schedule[delivery]

	counters counters
}

func newLedger(options Options) ledger {
	return ledger{
		apiKey:   options.APIKey,
		faults:   options.Faults,
		balance:  options.Credits,
		byID:     make(map[string]*task),
		counters: newCounters(options.RateWindow),
	}
}

// settle gives back the credits of the tasks that have failed by now. KIE's
// documentation says that failed tasks are not charged.
func (l *ledger) settle(now time.Time) {
	for {
		ended, ok := l.ending.pop(now)
		if !ok {
			return
		}
		if !ended.outcome.succeeded() {
			l.balance += ended.credits
		}
	}
}

// accept takes the credits of a task and starts it. It reports false, and does
// nothing, if the balance is too low.
func (l *ledger) accept(t *task) bool {
	if l.balance < t.credits {
		return false
	}
	l.balance -= t.credits
	l.tasks = append(l.tasks, t)
	l.byID[t.id] = t
	l.counters.accepted.add(t.created)
	if !t.finish.IsZero() {
		l.ending.push(t.finish, t)
	}
	if t.wantsCallback() && !t.faults.EarlyCallback && !t.finish.IsZero() {
		l.outbox.push(t.finish.Add(t.faults.LateCallback), newDelivery(t))
	}
	return true
}

// roundedBalance returns the balance without the noise of floating point.
func (l *ledger) roundedBalance() float64 {
	return math.Round(l.balance*100) / 100
}
