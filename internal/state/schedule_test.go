// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestTheScheduleOfATask(t *testing.T) {
	for _, tt := range []struct {
		reason       string
		callbacks    bool
		first, every time.Duration
	}{
		{"asking is the net below the callback", true, 5 * time.Minute, time.Minute},
		{"asking is the only way to learn of the end", false, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			s := state.NewSchedule(fixture.Epoch, "uid", tt.callbacks)
			first := s.Next(fixture.Epoch)
			if wait := first.Sub(fixture.Epoch); wait < tt.first || wait >= tt.first+tt.every/4 {
				t.Errorf("the first look is after %s, want it within a quarter of %s after %s", wait, tt.every, tt.first)
			}
			if got := s.Next(fixture.Epoch.Add(-24 * time.Hour)); !got.Equal(first) {
				t.Errorf("before the start, the next look is at %s, want the first one, %s", got, first)
			}
			if got := s.Next(first.Add(-time.Nanosecond)); !got.Equal(first) {
				t.Errorf("just before the first look, the next is at %s, want %s", got, first)
			}
			for n := range 1000 {
				at := first.Add(time.Duration(n) * tt.every)
				if got, want := s.Next(at), at.Add(tt.every); !got.Equal(want) {
					t.Fatalf("after look %d the next is at %s, want %s", n+1, got, want)
				}
				if got, want := s.Next(at.Add(tt.every/2)), at.Add(tt.every); !got.Equal(want) {
					t.Fatalf("between looks %d and %d the next is at %s, want %s", n+1, n+2, got, want)
				}
			}
		})
	}
}

// The next look is after any moment, on the schedule, and the same whoever asks
// whenever: a restart makes nothing due.
func TestTheNextLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uid := types.UID(rapid.String().Draw(t, "uid"))
		start := fixture.Epoch.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "start")))
		callbacks := rapid.Bool().Draw(t, "callbacks")
		now := start.Add(time.Duration(rapid.Int64Range(-1e18, 4e18).Draw(t, "now")))

		s := state.NewSchedule(start, uid, callbacks)
		next := s.Next(now)
		if !next.After(now) {
			t.Fatalf("the next look after %s is at %s", now, next)
		}
		if again := state.NewSchedule(start, uid, callbacks).Next(now); !again.Equal(next) {
			t.Fatalf("the next look after %s is at %s, and then at %s", now, next, again)
		}
		first := s.Next(start)
		if next.Before(first) || next.Sub(first)%s.Every != 0 {
			t.Fatalf("the look at %s is not on the schedule, which begins at %s", next, first)
		}
		if previous := next.Add(-time.Nanosecond); previous.After(now) && !s.Next(previous).Equal(next) {
			t.Fatalf("there is a look between %s and %s", now, next)
		}
	})
}

// A status that no operator would write does not make anything due all the time.
func TestTheScheduleOfATaskOfLongAgo(t *testing.T) {
	for _, start := range []time.Time{{}, time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), fixture.Epoch.Add(math.MaxInt64)} {
		s := state.NewSchedule(start, "uid", false)
		if next := s.Next(fixture.Epoch); !next.After(fixture.Epoch) {
			t.Errorf("a task of %s is to be asked about at %s, which is not after %s", start, next, fixture.Epoch)
		}
	}
}

func TestJitter(t *testing.T) {
	const limit, n = time.Minute, 2000
	var early int
	seen := map[time.Duration]bool{}
	for i := range n {
		uid := types.UID(fmt.Sprintf("f81d4fae-7dec-11d0-a765-%012x", i))
		d := state.Jitter(uid, limit)
		if d < 0 || d >= limit {
			t.Fatalf("the jitter of %s is %s, want it from 0 to %s", uid, d, limit)
		}
		if again := state.Jitter(uid, limit); again != d {
			t.Fatalf("the jitter of %s is %s, and then %s", uid, d, again)
		}
		if d < limit/2 {
			early++
		}
		seen[d] = true
	}
	if early < n*4/10 || early > n*6/10 || len(seen) < n*9/10 {
		t.Errorf("of %d resources %d come in the first half of the jitter, at %d different moments: they are not kept apart", n, early, len(seen))
	}
}
