// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// spending is a purchase on an account without a budget that its status does not
// count yet.
type spending struct {
	attempt string
	credits credits.Amount
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
func (l *Ledger) Spend(key types.NamespacedName, attempt string, price credits.Amount) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.clock.Now().Truncate(time.Second)
	l.account(key).count(spending{attempt: attempt, credits: price, at: at})
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
func (l *Ledger) Unspend(key types.NamespacedName, attempt string, price credits.Amount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(key)
	if i := slices.IndexFunc(a.unnoted, func(s spending) bool { return s.attempt == attempt }); i >= 0 {
		a.unnoted = slices.Delete(a.unnoted, i, i+1)
		return
	}
	a.unnoted = append(a.unnoted, spending{credits: credits.Amount{}.Minus(price), at: l.clock.Now().Truncate(time.Second)})
}

// recoverWithin is for how long after a purchase it may still be found to be that
// of another process: of the last one, or of one that was paused and has not
// noticed yet that it no longer leads.
const recoverWithin = 2 * time.Minute

// Recover counts the purchases that the resources of an account show and this
// process has not made. Those that the status of the account had already, when
// this process first saw it, are not counted again. The error names a purchase
// whose credits cannot be read: it is looked for until they can.
func (l *Ledger) Recover(account *v1alpha1.KieAccount, view []v1alpha1.VideoGeneration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	a := l.account(types.NamespacedName{Namespace: account.Namespace, Name: account.Name})
	if account.Spec.Budget != nil {
		a.from, a.unread = now, false // each purchase is booked before it is made
		return nil
	}
	from := a.missingSince(account, now)
	maps.DeleteFunc(a.counted, func(_ string, at time.Time) bool { return at.Before(from) })
	found, err := a.uncounted(view, from)
	for _, purchase := range found {
		a.count(purchase)
	}
	a.unread = err != nil
	if a.unread || a.from.IsZero() {
		a.from = from
	}
	return err
}

// Unread names a purchase that is not in the books of an account without a
// budget because its credits cannot be read.
func (l *Ledger) Unread(account *v1alpha1.KieAccount, view []v1alpha1.VideoGeneration) error {
	if account.Spec.Budget != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(types.NamespacedName{Namespace: account.Namespace, Name: account.Name})
	_, err := a.uncounted(view, a.missingSince(account, l.clock.Now()))
	return err
}

// missingSince is from which moment on a purchase may be missing in the books.
func (a *accountLedger) missingSince(account *v1alpha1.KieAccount, now time.Time) time.Time {
	recent := now.Add(-recoverWithin)
	switch {
	case a.from.IsZero():
		return spentThrough(account)
	case a.unread, a.from.After(recent):
		return a.from
	default:
		return recent
	}
}

// Unnoted is what was spent before a moment and is not in the status of the
// account yet; later says whether there is more.
func (l *Ledger) Unnoted(key types.NamespacedName, before time.Time) (spent credits.Amount, later bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.account(key).unnoted {
		if s.at.Before(before) {
			spent = spent.Plus(s.credits)
		} else {
			later = true
		}
	}
	return spent, later
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

// uncounted lists the purchases of resources from a moment on that are not
// counted yet, as far as they were made or may have been. The error names the
// first whose credits cannot be read.
func (a *accountLedger) uncounted(view []v1alpha1.VideoGeneration, from time.Time) (found []spending, unread error) {
	add := func(vg *v1alpha1.VideoGeneration, field string, past v1alpha1.PastTask) {
		_, counted := a.counted[past.Attempt]
		if counted || past.SubmittedAt.Time.Before(from) || past.Credits == "" {
			return // without credits, it was taken over: who made it has booked it
		}
		price, err := readCredits(fmt.Sprintf("%s of VideoGeneration %s/%s", field, vg.Namespace, vg.Name), past.Credits, correctStatus)
		switch {
		case err == nil:
			found = append(found, spending{attempt: past.Attempt, credits: price, at: past.SubmittedAt.Time})
		case unread == nil:
			unread = err
		}
	}
	for i := range view {
		vg := &view[i]
		if task := vg.Status.Task; task != nil && !isAdopted(task) && (task.ID != "" || isLost(task)) {
			add(vg, "status.task.credits", v1alpha1.PastTask{Attempt: task.Attempt, SubmittedAt: task.SubmittedAt, Credits: task.Credits})
		}
		for n, past := range vg.Status.History {
			if past.ID != "" || past.Reason == v1alpha1.ReasonSubmissionUnknown {
				add(vg, fmt.Sprintf("status.history[%d].credits", n), past)
			}
		}
	}
	return found, unread
}
