// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func TestBooksKeepTheLastWordOfEachPeriod(t *testing.T) {
	var b books
	b.note(&v1alpha1.KieAccount{}, noon) // nothing is spent yet
	broken := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Name: "account-12"}}
	broken.Status.CreditsSpent, broken.Status.CreditsSpentSince = "n/a", new(metav1.NewTime(noon))
	b.note(broken, noon)
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
		{since: noon, spent: credits.Of(60), first: after(0), last: after(40)},
		{since: after(60), spent: credits.Of(30), first: after(60), last: after(60)},
	}}
	if diff := cmp.Diff(want, b.all(), cmp.AllowUnexported(period{})); diff != "" {
		t.Errorf("the books (-want +got):\n%s", diff)
	}
	if unread := b.unreadable(); len(unread) != 1 || !strings.Contains(unread[0], "account-12") {
		t.Errorf("not read were %q, want those of account-12", unread)
	}
}

func TestBooksAreComparedWithWhatWasPaid(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pages   []period
		budget  int64
		outages []outage
		// wrong and unread are how many accounts have spent more than their books say, and how many have gaps.
		wrong, unread int
	}{
		{"all is there", []period{{spent: credits.Of(65)}}, 0, nil, 0, 0},
		{"the books say more", []period{{spent: credits.Of(600)}}, 0, nil, 0, 0},
		{"the upgrade is missing", []period{{spent: credits.Of(60)}}, 0, nil, 1, 0},
		{"there are no books", nil, 0, nil, 1, 0},
		{"over two periods", []period{{spent: credits.Of(60), last: after(50)}, {spent: credits.Of(5), first: after(61)}}, 60, nil, 0, 0},
		{"more than the budget", []period{{spent: credits.Of(65)}}, 60, nil, 1, 0},
		{"the end of a period was not read", []period{{spent: credits.Of(5), last: after(50)}, {spent: credits.Of(5), first: after(70)}}, 60, []outage{{from: after(49), to: after(55)}}, 0, 1},
		{"a manager alone was cut off", []period{{spent: credits.Of(5), last: after(50)}, {spent: credits.Of(5), first: after(70)}}, 60, []outage{{replica: "operator-1", from: after(49), to: after(55)}}, 1, 0},
	} {
		_, _, e := one(fullHD)
		e.upgrades = []upgraded{{kiesim.Upgrade{TaskID: "task-1", State: kiesim.TaskSucceeded, Credits: 5}, "account-0"}}
		e.books, e.budgets, e.outages = map[string][]period{"account-0": tt.pages}, map[string]credits.Amount{"account-0": credits.Of(tt.budget)}, tt.outages
		if f := judge(e); len(f.books) != tt.wrong || len(f.unread) != tt.unread {
			t.Errorf("%s: wrong are %q, not read %q; want %d and %d", tt.name, f.books, f.unread, tt.wrong, tt.unread)
		}
	}
}

// What only a deleted resource and a dead process knew is not in the books of an
// account without a budget.
func TestWhatNobodyKnowsIsNotBooked(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(e *evidence)
		wrong   int
		excused int
	}{
		{"the resource is deleted, and the process ended", func(*evidence) {}, 0, 1},
		{"the resource is there", func(e *evidence) {
			vg := &v1alpha1.VideoGeneration{}
			vg.Status.Task = &v1alpha1.Task{Attempt: e.tasks[0].Attempt}
			e.resources = map[types.NamespacedName]*v1alpha1.VideoGeneration{{Name: "video-1"}: vg}
		}, 1, 0},
		{"the resource is there with another task", func(e *evidence) {
			vg := &v1alpha1.VideoGeneration{}
			vg.Status.History = []v1alpha1.PastTask{{Attempt: e.tasks[0].Attempt}}
			e.resources = map[types.NamespacedName]*v1alpha1.VideoGeneration{{Name: "video-1"}: vg}
		}, 1, 0},
		{"the process ended later", func(e *evidence) { e.lives[0].ended = e.tasks[0].CreatedAt.Add(diesWithin + time.Second) }, 1, 0},
		{"the process still runs", func(e *evidence) { e.lives[0].ended = time.Time{} }, 1, 0},
		{"another process has bought it", func(e *evidence) { e.writers[e.tasks[0].Attempt] = "operator-2.1" }, 1, 0},
		{"there is a budget", func(e *evidence) { e.budgets = map[string]credits.Amount{"account-0": credits.Of(600)} }, 1, 0},
		{"more is missing", func(e *evidence) { e.books["account-0"][0].spent = credits.Of(50) }, 1, 0},
	} {
		task := bought{kiesim.Task{ID: "task-1", Attempt: "attempt-1", Credits: 60, CreatedAt: after(10)}, "account-0"}
		e := evidence{
			tasks:   []bought{task, {kiesim.Task{ID: "task-2", Credits: 60, CreatedAt: after(10)}, "account-0"}},
			books:   map[string][]period{"account-0": {{spent: credits.Of(60)}}},
			writers: map[string]string{"attempt-1": "operator-1.1"},
			lives:   []lifeRecord{{name: "operator-1.1", replica: "operator-1", ended: after(15)}},
		}
		tt.change(&e)
		var f findings
		f.judgeBooks(e)
		if len(f.books) != tt.wrong || f.unbooked != tt.excused {
			t.Errorf("%s: wrong are %q, excused %d; want %d and %d", tt.name, f.books, f.unbooked, tt.wrong, tt.excused)
		}
	}
}

func TestBudgetsBindAndLetAllComeToRest(t *testing.T) {
	for _, duration := range []time.Duration{time.Minute, 5 * time.Minute, usualDuration} {
		o := options{duration: duration, perSecond: 20, accounts: 60}
		budget := o.budget()
		asked := o.perSecond / float64(o.accounts) * litePrice * duration.Seconds()
		limit, err := credits.Parse(budget.Credits)
		if err != nil {
			t.Fatal(err)
		}
		periods := asked / limit.Float()
		if has := duration.Seconds() / budget.Period.Seconds(); periods <= has || periods > 2*has {
			t.Errorf("in %v, %v credits are asked for, with %s in %v: that takes %.1f periods", duration, asked, budget.Credits, budget.Period.Duration, periods)
		}
	}
}
