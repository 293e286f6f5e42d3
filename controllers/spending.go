// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// spending is a purchase on an account without a budget that its status does not
// count yet.
type spending struct {
	attempt string
	credits int64
	// at is status.task.submittedAt of the purchase, in whole seconds.
	at time.Time
}

// Identify says which account of the name there is now. What is known of an
// earlier one of that name is forgotten.
func (l *Ledger) Identify(key types.NamespacedName, uid types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.accounts[key]; a != nil && a.uid != "" && a.uid != uid {
		delete(l.accounts, key)
	}
	l.account(key).uid = uid
}

// ForgetAccount forgets an account that is gone.
func (l *Ledger) ForgetAccount(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.accounts, key)
}

// Accounts is how many accounts are remembered.
func (l *Ledger) Accounts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accounts)
}

// Spend counts a purchase that is to be written into the status of the account
// later, and returns the time of it, in whole seconds.
func (l *Ledger) Spend(key types.NamespacedName, attempt string, credits int64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.clock.Now().Truncate(time.Second)
	l.account(key).count(spending{attempt: attempt, credits: credits, at: at})
	return at
}

// count adds a purchase to what the status of the account does not have yet.
func (a *accountLedger) count(s spending) {
	a.unnoted = append(a.unnoted, s)
	if a.counted == nil {
		a.counted = map[string]time.Time{}
	}
	if s.attempt != "" {
		a.counted[s.attempt] = s.at
	}
}

// Unspend takes a purchase back that was not made.
func (l *Ledger) Unspend(key types.NamespacedName, attempt string, credits int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(key)
	if i := slices.IndexFunc(a.unnoted, func(s spending) bool { return s.attempt == attempt }); i >= 0 {
		a.unnoted = slices.Delete(a.unnoted, i, i+1)
		return
	}
	a.unnoted = append(a.unnoted, spending{credits: -credits, at: l.clock.Now().Truncate(time.Second)})
}

// recoverWithin is for how long after a purchase it may still be found to be that
// of another process: of the last one, or of one that was paused and has not
// noticed yet that it no longer leads.
const recoverWithin = 2 * time.Minute

// Recover counts the purchases that the resources of an account show and this
// process has not made. Those that the status of the account had already, when
// this process first saw it, are not counted again.
func (l *Ledger) Recover(account *v1alpha1.KieAccount, view []v1alpha1.VideoGeneration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	a := l.account(types.NamespacedName{Namespace: account.Namespace, Name: account.Name})
	from := now.Add(-recoverWithin)
	switch {
	case account.Spec.Budget != nil:
		a.from = now // each purchase is booked before it is made
		return
	case a.from.IsZero():
		a.from = spentThrough(account)
		from = a.from
	case a.from.After(from):
		from = a.from
	}
	maps.DeleteFunc(a.counted, func(_ string, at time.Time) bool { return at.Before(from) })
	for _, found := range purchasesSince(view, from) {
		if _, counted := a.counted[found.attempt]; !counted {
			a.count(found)
		}
	}
}

// Unnoted is what was spent before a moment and is not in the status of the
// account yet; later says whether there is more.
func (l *Ledger) Unnoted(key types.NamespacedName, before time.Time) (credits int64, later bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.account(key).unnoted {
		if s.at.Before(before) {
			credits += s.credits
		} else {
			later = true
		}
	}
	return credits, later
}

// Noted says that what was spent before a moment is in the status of the account.
func (l *Ledger) Noted(key types.NamespacedName, before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(key)
	a.unnoted = slices.DeleteFunc(a.unnoted, func(s spending) bool { return s.at.Before(before) })
}

// SayOnce reports whether a sentence about the account was not said yet.
func (l *Ledger) SayOnce(key types.NamespacedName, sentence string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(key)
	if a.said[sentence] {
		return false
	}
	if a.said == nil {
		a.said = map[string]bool{}
	}
	a.said[sentence] = true
	return true
}

// spentThrough is up to which moment purchases are in the status of the account.
func spentThrough(account *v1alpha1.KieAccount) time.Time {
	if through := account.Status.CreditsSpentThrough; through != nil {
		return through.Time
	}
	return account.CreationTimestamp.Time
}

// purchasesSince lists the purchases of resources from a moment on, as far as
// they were made or may have been.
func purchasesSince(view []v1alpha1.VideoGeneration, from time.Time) (found []spending) {
	add := func(attempt, credits, id, reason string, lost bool, at time.Time) {
		price, ok := creditsIn(credits)
		if made := id != "" || lost || reason == v1alpha1.ReasonSubmissionUnknown; ok && made && !at.Before(from) {
			found = append(found, spending{attempt: attempt, credits: price, at: at})
		}
	}
	for i := range view {
		if task := view[i].Status.Task; task != nil && !isAdopted(task) {
			add(task.Attempt, task.Credits, task.ID, "", isLost(task), task.SubmittedAt.Time)
		}
		for _, past := range view[i].Status.History {
			add(past.Attempt, past.Credits, past.ID, past.Reason, false, past.SubmittedAt.Time)
		}
	}
	return found
}
