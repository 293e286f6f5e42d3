// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func TestBooksKeepTheLastWordOfEachPeriod(t *testing.T) {
	var b books
	b.note(&v1alpha1.KieAccount{}, noon) // nothing is spent yet
	for i, spent := range []string{"60", "120", "60", "30"} {
		since := metav1.NewTime(noon)
		if i == 3 {
			since = metav1.NewTime(noon.Add(time.Minute))
		}
		account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Name: "account-11"}}
		account.Status.CreditsSpent, account.Status.CreditsSpentSince = spent, &since
		b.note(account, after(20*i))
	}
	want := map[string][]period{"account-11": {
		{since: noon, spent: 60, first: after(0), last: after(40)},
		{since: after(60), spent: 30, first: after(60), last: after(60)},
	}}
	if diff := cmp.Diff(want, b.all(), cmp.AllowUnexported(period{})); diff != "" {
		t.Errorf("the books (-want +got):\n%s", diff)
	}
}

func TestBooksAreComparedWithWhatWasPaid(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pages   []period
		budget  int32
		outages []outage
		// wrong and unread are how many accounts have spent more than their books say, and how many have gaps.
		wrong, unread int
	}{
		{"all is there", []period{{spent: 65}}, 0, nil, 0, 0},
		{"the books say more", []period{{spent: 600}}, 0, nil, 0, 0},
		{"the upgrade is missing", []period{{spent: 60}}, 0, nil, 1, 0},
		{"there are no books", nil, 0, nil, 1, 0},
		{"over two periods", []period{{spent: 60, last: after(50)}, {spent: 5, first: after(61)}}, 60, nil, 0, 0},
		{"more than the budget", []period{{spent: 65}}, 60, nil, 1, 0},
		{"the end of a period was not read", []period{{spent: 5, last: after(50)}, {spent: 5, first: after(70)}}, 60, []outage{{from: after(49), to: after(55)}}, 0, 1},
		{"a manager alone was cut off", []period{{spent: 5, last: after(50)}, {spent: 5, first: after(70)}}, 60, []outage{{replica: "operator-1", from: after(49), to: after(55)}}, 1, 0},
	} {
		_, _, e := one(fullHD)
		e.upgrades = []upgraded{{kiesim.Upgrade{TaskID: "task-1", State: kiesim.TaskSucceeded, Credits: 5}, "account-0"}}
		e.books, e.budgets, e.outages = map[string][]period{"account-0": tt.pages}, map[string]int32{"account-0": tt.budget}, tt.outages
		if f := judge(e); len(f.books) != tt.wrong || len(f.unread) != tt.unread {
			t.Errorf("%s: wrong are %q, not read %q; want %d and %d", tt.name, f.books, f.unread, tt.wrong, tt.unread)
		}
	}
}

func TestBudgetsBindAndLetAllComeToRest(t *testing.T) {
	for _, duration := range []time.Duration{time.Minute, 5 * time.Minute, usualDuration} {
		o := options{duration: duration, perSecond: 20, accounts: 60}
		budget := o.budget()
		asked := o.perSecond / float64(o.accounts) * litePrice * duration.Seconds()
		periods := asked / float64(budget.Credits)
		if has := duration.Seconds() / budget.Period.Seconds(); periods <= has || periods > 2*has {
			t.Errorf("in %v, %v credits are asked for, with %d in %v: that takes %.1f periods", duration, asked, budget.Credits, budget.Period.Duration, periods)
		}
	}
}
