// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// period is what the books of an account say of one period.
type period struct {
	since time.Time
	spent credits.Amount
	// first and last are when it was seen in the status.
	first, last time.Time
}

// books collects what the accounts say that they have spent, period by period: the
// status has the present period only.
type books struct {
	mu      sync.Mutex
	periods map[string][]period
	// unread names the accounts whose books could not be read.
	unread []string
}

// note enters what the status of an account says now.
func (b *books) note(account *v1alpha1.KieAccount, now time.Time) {
	since := account.Status.CreditsSpentSince
	if since == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	spent, err := credits.Parse(account.Status.CreditsSpent)
	if err != nil {
		b.unread = append(b.unread, fmt.Sprintf("%s: status.creditsSpent cannot be read: %v", account.Name, err))
		return
	}
	if b.periods == nil {
		b.periods = map[string][]period{}
	}
	pages := b.periods[account.Name]
	i := slices.IndexFunc(pages, func(p period) bool { return p.since.Equal(since.Time) })
	if i < 0 {
		i, pages = len(pages), append(pages, period{since: since.Time, first: now})
		b.periods[account.Name] = pages
	}
	pages[i].spent, pages[i].last = spent, now
}

// all returns what was collected, by account.
func (b *books) all() map[string][]period {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string][]period{}
	for account, pages := range b.periods {
		all[account] = slices.Clone(pages)
	}
	return all
}

// unreadable returns the books that could not be read.
func (b *books) unreadable() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.unread)
}

// watchAgain is for how long after an outage the watch may still miss something.
const watchAgain = time.Minute

// diesWithin is for how long after a purchase only its process and its resource may
// know of it: the status of an account without a budget is written every few seconds.
const diesWithin = 15 * time.Second

// diedWithAll reports whether a purchase on an account without a budget is known to
// nobody any more: its resource was deleted and its process ended, right after it.
func diedWithAll(task bought, e evidence) bool {
	died := slices.ContainsFunc(e.lives, func(life lifeRecord) bool {
		return life.name == e.writers[task.Attempt] && !life.ended.IsZero() && life.ended.Before(task.CreatedAt.Add(diesWithin))
	})
	if !died || !e.budgets[task.account].IsZero() {
		return false
	}
	for _, vg := range e.resources {
		if vg.Status.Task != nil && vg.Status.Task.Attempt == task.Attempt ||
			slices.ContainsFunc(vg.Status.History, func(past v1alpha1.PastTask) bool { return past.Attempt == task.Attempt }) {
			return false
		}
	}
	return true
}

// judgeBooks compares what each account was paid for with what its books say. With
// a budget, they say no more than that of any period.
func (f *findings) judgeBooks(e evidence) {
	paid, died := map[string]credits.Amount{}, map[string]credits.Amount{}
	for _, task := range e.tasks {
		paid[task.account] = paid[task.account].Plus(priced(task.Credits))
		if diedWithAll(task, e) {
			died[task.account] = died[task.account].Plus(priced(task.Credits))
		}
	}
	for _, upgrade := range e.upgrades {
		paid[upgrade.account] = paid[upgrade.account].Plus(priced(upgrade.Credits))
	}
	for account, total := range paid {
		var spent credits.Amount
		pages, budget := e.books[account], e.budgets[account]
		for i, page := range pages {
			spent = spent.Plus(page.spent)
			if !budget.IsZero() && budget.Less(page.spent) {
				f.books = append(f.books, fmt.Sprintf("%s: %s credits were spent since %s, its budget is %s",
					account, page.spent, page.since.UTC().Format(time.TimeOnly), budget))
			}
			if i+1 < len(pages) && !slices.Contains(f.unread, account) && nobodyCouldRead(page.last.Add(-watchAgain), pages[i+1].first, e.outages) {
				f.unread = append(f.unread, account)
			}
		}
		f.kept++
		switch {
		case slices.Contains(f.unread, account): // the last entries of a period may have been missed
		case spent.Less(total) && !spent.Plus(died[account]).Less(total):
			f.unbooked++
		case spent.Less(total):
			f.books = append(f.books, fmt.Sprintf("%s (budget %s): KIE.AI was paid %s credits, its books say %s", account, budget, total, spent))
		}
	}
	slices.Sort(f.books)
}

// priced is a price of the simulator, which has floats as KIE.AI's JSON does. A
// number that is not an amount of credits becomes one that no books can have.
func priced(number float64) credits.Amount {
	if price, ok := credits.FromFloat(number); ok {
		return price
	}
	return credits.Of(math.MaxInt64)
}

// bought is a task with the account that has paid for it.
type bought struct {
	kiesim.Task
	account string
}

// upgraded is an upgrade with the account that has paid for it.
type upgraded struct {
	kiesim.Upgrade
	account string
}
