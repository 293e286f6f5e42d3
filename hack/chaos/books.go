// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// period is what the books of an account say of one period.
type period struct {
	since time.Time
	spent float64
	// first and last are when it was seen in the status.
	first, last time.Time
}

// books collects what the accounts say that they have spent, period by period: in
// the status is the present one only.
type books struct {
	mu      sync.Mutex
	periods map[string][]period
}

// note enters what the status of an account says now.
func (b *books) note(account *v1alpha1.KieAccount, now time.Time) {
	since := account.Status.CreditsSpentSince
	spent, err := strconv.ParseFloat(account.Status.CreditsSpent, 64)
	if since == nil || err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
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

// watchAgain is how long after an outage the watch may not see everything yet.
const watchAgain = time.Minute

// diesWithin is how long after a purchase it may be known to its process and its
// resource alone: an account without a budget is written every few seconds.
const diesWithin = 15 * time.Second

// diedWithAll reports whether a purchase on an account without a budget is known to
// nobody any more: its resource was deleted and its process ended, right after it.
func diedWithAll(task bought, e evidence) bool {
	died := slices.ContainsFunc(e.lives, func(life lifeRecord) bool {
		return life.name == e.writers[task.Attempt] && !life.ended.IsZero() && life.ended.Before(task.CreatedAt.Add(diesWithin))
	})
	if !died || e.budgets[task.account] > 0 {
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
	paid, died := map[string]float64{}, map[string]float64{}
	for _, task := range e.tasks {
		paid[task.account] += task.Credits
		if diedWithAll(task, e) {
			died[task.account] += task.Credits
		}
	}
	for _, upgrade := range e.upgrades {
		paid[upgrade.account] += upgrade.Credits
	}
	for account, credits := range paid {
		var spent float64
		pages, budget := e.books[account], e.budgets[account]
		for i, page := range pages {
			spent += page.spent
			if budget > 0 && page.spent > float64(budget) {
				f.books = append(f.books, fmt.Sprintf("%s: %v credits were spent since %s, its budget is %d",
					account, page.spent, page.since.UTC().Format(time.TimeOnly), budget))
			}
			if i+1 < len(pages) && !slices.Contains(f.unread, account) && nobodyCouldRead(page.last.Add(-watchAgain), pages[i+1].first, e.outages) {
				f.unread = append(f.unread, account)
			}
		}
		f.kept++
		switch {
		case slices.Contains(f.unread, account): // the last entries of a period may have been missed
		case credits > spent && credits <= spent+died[account]:
			f.unbooked++
		case credits > spent:
			f.books = append(f.books, fmt.Sprintf("%s (budget %d): KIE.AI was paid %v credits, its books say %v", account, budget, credits, spent))
		}
	}
	slices.Sort(f.books)
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
