// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimetableFollowsFromTheSeed(t *testing.T) {
	for lane := range lanes {
		again, other := timetable(1, lane, usualDuration), timetable(2, lane, usualDuration)
		if !reflect.DeepEqual(timetable(1, lane, usualDuration), again) {
			t.Errorf("lane %d: one seed has two timetables", lane)
		}
		if reflect.DeepEqual(again, other) {
			t.Errorf("lane %d: two seeds have one timetable", lane)
		}
	}
}

func TestTimetableHasWhatIsWanted(t *testing.T) {
	for _, duration := range []time.Duration{30 * time.Second, time.Minute, usualDuration} {
		for lane, quotas := range lanes {
			planned := map[disturbance]int{}
			for _, e := range timetable(7, lane, duration) {
				planned[e.what]++
				if e.at < 0 || e.at >= duration {
					t.Errorf("in %v, %s is at %v", duration, e.what, e.at)
				}
			}
			for _, q := range quotas {
				if planned[q.what] < q.leastIn(duration) || planned[q.what] == 0 {
					t.Errorf("in %v, %s is planned %d times, want at least %d and one", duration, q.what, planned[q.what], q.leastIn(duration))
				}
			}
		}
	}
}

func TestShortfalls(t *testing.T) {
	trouble := newTroublemaker(nil, nil, nil, io.Discard)
	if short := trouble.shortfalls(usualDuration); len(short) != 9 {
		t.Errorf("without any disturbance there are the shortfalls %q, want one for each of 9", short)
	}
	for _, lane := range lanes {
		for _, q := range lane {
			trouble.counts[q.what] = q.least
		}
	}
	if short := trouble.shortfalls(usualDuration); len(short) != 0 {
		t.Errorf("with all disturbances there are the shortfalls %q", short)
	}
	if short := trouble.shortfalls(2 * usualDuration); len(short) != 9 {
		t.Errorf("in twice the time there are the shortfalls %q, want one for each of 9", short)
	}
}

func TestFollowEndsWithTheDuration(t *testing.T) {
	var happened []disturbance
	synctest.Test(t, func(t *testing.T) {
		events := []event{{what: cutOff}, {what: stall, at: time.Millisecond}, {what: slowAPI, at: time.Hour}}
		follow(t.Context(), events, time.Minute, func(_ context.Context, e event) { happened = append(happened, e.what) })
	})
	if want := []disturbance{cutOff, stall}; !reflect.DeepEqual(happened, want) {
		t.Errorf("%q happened, want %q", happened, want)
	}
}

func TestVideosFollowFromTheSeed(t *testing.T) {
	p := plan{seed: 3, namespaces: 10, accounts: 60}
	kinds := map[kind]int{}
	for number := range 2000 {
		v := p.video(number)
		kinds[v.kind]++
		if !reflect.DeepEqual(v, p.video(number)) {
			t.Fatalf("video %d is another one the second time", number)
		}
		if name, ok := nameIn(v.prompt()); !ok || name != v.name {
			t.Fatalf("the prompt %q names %v, want %v", v.prompt(), name, v.name)
		}
		if v.kind != p.kind(number) {
			t.Fatalf("video %d is %q, and planned as %q", number, v.kind, p.kind(number))
		}
		if v.kind != extension && v.kind != borrower {
			continue
		}
		source := p.video(number - p.accounts)
		if source.name.Name != v.source || source.account != v.account || source.name.Namespace != v.name.Namespace || source.kind != plain {
			t.Errorf("video %d of %s is made from %s of %s (%s)", number, v.account, source.name, source.account, source.kind)
		}
	}
	for _, share := range shares {
		if kinds[share.kind] == 0 {
			t.Errorf("of 2000 videos none is %q", share.kind)
		}
	}
}
