// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/state"
)

// spending is a purchase on an account without a budget that is not in its
// status.creditsSpent yet.
type spending struct {
	attempt string
	credits credits.Amount
	// at is status.task.submittedAt of the purchase, in whole seconds.
	at time.Time
}

// books are what is known of the spending of one account, beside its status.
type books struct {
	// unnoted are the purchases that are not in the status of the account yet.
	unnoted []spending
	// counted has the times of the purchases of the last minutes that are, or were, in unnoted, by their attempts.
	// Purchases from before from are not looked for.
	counted map[string]time.Time
	from    time.Time
	// unread says that the credits of one of the purchases since then cannot be read.
	unread bool
	// noting is the moment before which the purchases are, or may be, in a write of the account that is under way.
	noting time.Time
}

// of returns the books of an account, new ones if there are none.
func (l *Ledger) of(account v1alpha1.AccountIdentity) *books {
	b := l.books[account]
	if b == nil {
		b = &books{counted: map[string]time.Time{}}
		l.books[account] = b
	}
	return b
}

// Identify tells the ledger which account has the name now. What it knows of an
// earlier account of that name is forgotten.
func (l *Ledger) Identify(account v1alpha1.AccountIdentity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := account.Key()
	if a := l.accounts[key]; a != nil && a.uid != "" && a.uid != account.UID {
		delete(l.accounts, key)
	}
	l.account(key).uid = account.UID
	maps.DeleteFunc(l.books, func(of v1alpha1.AccountIdentity, _ *books) bool { return of.Key() == key && of != account })
}

// ForgetAccount forgets an account that is gone.
func (l *Ledger) ForgetAccount(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.accounts, key)
	maps.DeleteFunc(l.books, func(of v1alpha1.AccountIdentity, _ *books) bool { return of.Key() == key })
}

// Accounts is how many accounts are remembered.
func (l *Ledger) Accounts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accounts)
}

// Spend counts a purchase that is to be written into the status of the account
// later, and returns the time of it, in whole seconds.
func (l *Ledger) Spend(account v1alpha1.AccountIdentity, attempt string, price credits.Amount) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.clock.Now().Truncate(time.Second)
	l.of(account).count(spending{attempt: attempt, credits: price, at: at})
	return at
}

// count adds a purchase to what the status of the account does not have yet.
func (b *books) count(s spending) {
	b.unnoted = append(b.unnoted, s)
	if s.attempt != "" {
		b.counted[s.attempt] = s.at
	}
}

// Unspend takes a purchase back that was not made. The books of an account that
// is gone are gone with it.
func (l *Ledger) Unspend(account v1alpha1.AccountIdentity, attempt string, price credits.Amount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.books[account]
	if b == nil {
		return
	}
	i := slices.IndexFunc(b.unnoted, func(s spending) bool { return s.attempt == attempt })
	if i >= 0 && !b.unnoted[i].at.Before(b.noting) {
		b.unnoted = slices.Delete(b.unnoted, i, i+1)
		return
	}
	b.unnoted = append(b.unnoted, spending{credits: credits.Amount{}.Minus(price), at: l.clock.Now().Truncate(time.Second)})
}

// recoverWithin is how long after a purchase it may still turn out that another
// process made it: the one before this one, or one that was paused and has not
// noticed yet that it no longer leads.
const recoverWithin = 2 * time.Minute

// Recover counts the purchases that the resources of an account show and this
// process has not made. Those that the status of the account had already, when
// this process first saw it, are not counted again, and neither are those of an
// earlier account of its name. The error names a purchase whose credits cannot be
// read: it is looked for until they can.
func (l *Ledger) Recover(account *v1alpha1.KieAccount, view []v1alpha1.VideoGeneration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	b := l.of(v1alpha1.IdentityOf(account))
	if account.Spec.Budget != nil {
		b.from, b.unread = now, false // each purchase is booked before it is made
		return nil
	}
	from := b.missingSince(account, now)
	maps.DeleteFunc(b.counted, func(_ string, at time.Time) bool { return at.Before(from) })
	found, err := b.uncounted(account, view, from)
	for _, purchase := range found {
		b.count(purchase)
	}
	b.unread = err != nil
	if b.unread || b.from.IsZero() {
		b.from = from
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
	b := l.of(v1alpha1.IdentityOf(account))
	_, err := b.uncounted(account, view, b.missingSince(account, l.clock.Now()))
	return err
}

// missingSince is the moment from which on a purchase may be missing in the books.
func (b *books) missingSince(account *v1alpha1.KieAccount, now time.Time) time.Time {
	recent := now.Add(-recoverWithin)
	switch {
	case b.from.IsZero():
		return spentThrough(account)
	case b.unread, b.from.After(recent):
		return b.from
	default:
		return recent
	}
}

// Unbooked is what was spent before a moment and is not in the status of the
// account yet; later says whether there is more.
func (l *Ledger) Unbooked(account v1alpha1.AccountIdentity, before time.Time) (spent credits.Amount, later bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(account)
	b.noting = before
	for _, s := range b.unnoted {
		if s.at.Before(before) {
			spent = spent.Plus(s.credits)
		} else {
			later = true
		}
	}
	return spent, later
}

// Booked says that what was spent before a moment is in the status of the account.
func (l *Ledger) Booked(account v1alpha1.AccountIdentity, before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(account)
	b.unnoted = slices.DeleteFunc(b.unnoted, func(s spending) bool { return s.at.Before(before) })
}

// SayOnce reports whether a sentence about the account is to be said: the first time
// it is asked about, and not again.
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

// spentThrough is the moment up to which purchases are in the status of the account.
func spentThrough(account *v1alpha1.KieAccount) time.Time {
	if through := account.Status.CreditsSpentThrough; through != nil {
		return through.Time
	}
	return account.CreationTimestamp.Time
}

// boughtByAnother reports whether it is known that another account bought the task,
// or an earlier account of the same name.
func boughtByAnother(past v1alpha1.PastTask, account *v1alpha1.KieAccount) bool {
	return !past.Account.IsZero() && past.Account != v1alpha1.IdentityOf(account)
}

// uncounted lists the purchases of the resources of an account from a moment on
// that are not counted yet, as far as they were made or may have been. The error
// names the first whose credits cannot be read.
func (b *books) uncounted(account *v1alpha1.KieAccount, view []v1alpha1.VideoGeneration, from time.Time) (found []spending, unread error) {
	add := func(vg *v1alpha1.VideoGeneration, field string, past v1alpha1.PastTask) {
		_, counted := b.counted[past.Attempt]
		if counted || past.SubmittedAt.Time.Before(from) || past.Credits == "" || boughtByAnother(past, account) {
			return // a task without credits was taken over, and is in the books of whoever bought it
		}
		price, err := accounts.ReadCredits(fmt.Sprintf("%s of VideoGeneration %s/%s", field, vg.Namespace, vg.Name), past.Credits, accounts.CorrectStatus)
		switch {
		case err == nil:
			found = append(found, spending{attempt: past.Attempt, credits: price, at: past.SubmittedAt.Time})
		case unread == nil:
			unread = err
		}
	}
	for i := range view {
		vg := &view[i]
		if task := vg.Status.Task; task != nil && !state.IsAdopted(task) && (task.ID != "" || state.IsLost(task)) {
			add(vg, "status.task.credits", v1alpha1.PastTask{Attempt: task.Attempt, SubmittedAt: task.SubmittedAt, Credits: task.Credits, Account: task.Account})
		}
		for n, past := range vg.Status.History {
			if past.ID != "" || past.Reason == v1alpha1.ReasonSubmissionUnknown {
				add(vg, fmt.Sprintf("status.history[%d].credits", n), past)
			}
		}
	}
	return found, unread
}
