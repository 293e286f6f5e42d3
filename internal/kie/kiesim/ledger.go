// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"maps"
	"math"
	"time"
)

// ledger is everything that changes in a simulator. The simulator's lock guards
// it.
type ledger struct {
	apiKey      string
	faults      Faults
	uploadFault UploadFault
	balance     float64

	outages Outages
	// outagesSince is when the times of the outages began.
	outagesSince time.Time

	onAccepted        func(Task)
	onUpgradeAccepted func(Upgrade)

	// tasks and upgrades are in the order of acceptance.
	tasks    []*task
	upgrades []*upgrade
	// byID has what record-info knows: the tasks, and the upgrades that have an id
	// of their own.
	byID  map[string]purchase
	byKey map[upgradeKey]*upgrade
	// ending holds the running purchases until they finish.
	ending schedule[*job]
	// outbox holds the callbacks until they are due.
	outbox schedule[delivery]

	// files are all that is or will be served, by the path of the URL.
	files map[string]file
	links map[string]link
	// sums are the hashes of contents that were asked for, by the entity tag.
	sums map[string]string
	// uploads is the number of uploads, and uploaded the paths of the files.
	uploads  int
	uploaded []string

	counters counters
}

func newLedger(options Options) ledger {
	return ledger{
		apiKey:      options.APIKey,
		faults:      options.Faults,
		uploadFault: options.UploadFault,
		balance:     options.Credits,

		outages:      options.Outages.clone(),
		outagesSince: options.Now(),

		byID:     make(map[string]purchase),
		byKey:    make(map[upgradeKey]*upgrade),
		files:    make(map[string]file),
		links:    make(map[string]link),
		sums:     make(map[string]string),
		counters: newCounters(options.RateWindow),
	}
}

// settle gives back the credits of what has failed by now. KIE's documentation
// says that failed tasks are not charged.
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

// acceptTask starts a task. It reports false, and does nothing, if the balance is
// too low.
func (l *ledger) acceptTask(t *task) bool {
	if !l.charge(t) {
		return false
	}
	l.tasks = append(l.tasks, t)
	l.byID[t.id] = t
	l.counters.accepted.add(t.created)
	return true
}

// acceptUpgrade starts an upgrade that was not bought before. It reports false, and
// does nothing, if the balance is too low.
func (l *ledger) acceptUpgrade(key upgradeKey, u *upgrade) bool {
	if !l.charge(u) {
		return false
	}
	l.upgrades = append(l.upgrades, u)
	l.byKey[key] = u
	if u.id != u.of.id {
		l.byID[u.id] = u
	}
	return true
}

// charge takes the credits of a purchase and plans its end and its callback. It
// reports false, and does nothing, if the balance is too low.
func (l *ledger) charge(p purchase) bool {
	j := p.bought()
	if l.balance < j.credits {
		return false
	}
	l.balance -= j.credits
	maps.Copy(l.files, p.files())
	if !j.finish.IsZero() {
		l.ending.push(j.finish, j)
	}
	if j.wantsCallback() && !j.faults.EarlyCallback && !j.finish.IsZero() {
		l.outbox.push(j.finish.Add(j.faults.LateCallback), newDelivery(p))
	}
	return true
}

// roundedBalance returns the balance without the noise of floating point.
func (l *ledger) roundedBalance() float64 {
	const hundredths = 1 << 53 / 100 // larger numbers have none
	if math.Abs(l.balance) > hundredths {
		return l.balance
	}
	return math.Round(l.balance*100) / 100
}
