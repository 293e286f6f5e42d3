// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// taken is how many places are taken.
func (l *line) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places
}

// queued is how many turns have begun or wait.
func (l *line) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writing.Len() + l.waiting.Len()
}

// newTestLine is a line with a clock that the test sets.
func newTestLine(limits lineLimits) (*line, *clocktesting.FakePassiveClock) {
	clk := clocktesting.NewFakePassiveClock(now)
	return newLine(clk, limits), clk
}

// fill takes places until there is none for a sender with that patience, and
// returns how many it got.
func (l *line) fill(t *testing.T, patience time.Duration) int {
	t.Helper()
	for got := range 10_000 {
		if !l.enter(patience) {
			return got
		}
	}
	t.Fatal("there is no bound")
	return 0
}

// written makes a write that takes so long.
func (l *line) written(t *testing.T, clk *clocktesting.FakePassiveClock, took time.Duration) {
	t.Helper()
	turn, err := l.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clk.SetTime(clk.Now().Add(took))
	turn.end(true)
}

// There are as many places as can be written before the sender goes away.
func TestALineHasThePlacesThatItCanServe(t *testing.T) {
	limits := lineLimits{limit: 1000, writers: 4, pace: time.Second}
	for _, tc := range []struct {
		reason   string
		before   func(*line, *clocktesting.FakePassiveClock)
		patience time.Duration
		want     int
	}{
		{"before the first write: 4 writers, each of which writes 10 times", nil, 10 * time.Second, 40},
		{"a sender that waits half as long", nil, 5 * time.Second, 20},
		{"a sender that does not wait for a single write", nil, time.Second - 1, 0},
		{"the API server is fast", func(l *line, clk *clocktesting.FakePassiveClock) {
			for range 1000 {
				l.written(t, clk, 50*time.Millisecond)
			}
		}, 10 * time.Second, 796},
		{"the API server is so fast that memory is the bound", func(l *line, clk *clocktesting.FakePassiveClock) {
			for range 1000 {
				l.written(t, clk, time.Millisecond)
			}
		}, 10 * time.Second, 1000},
		{"the API server is slow", func(l *line, clk *clocktesting.FakePassiveClock) {
			for range 1000 {
				l.written(t, clk, 5*time.Second)
			}
		}, 11 * time.Second, 8},
		{"a write that goes on for much longer than any before", func(l *line, clk *clocktesting.FakePassiveClock) {
			if _, err := l.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			clk.SetTime(clk.Now().Add(20 * time.Second))
		}, 10 * time.Second, 8},
		{"a write that goes on for somewhat longer", func(l *line, clk *clocktesting.FakePassiveClock) {
			if _, err := l.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			clk.SetTime(clk.Now().Add(3 * time.Second))
		}, 10 * time.Second, 40},
		{"a turn in which nothing was written says nothing of the pace", func(l *line, _ *clocktesting.FakePassiveClock) {
			turn, err := l.turn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			turn.end(false)
		}, 10 * time.Second, 40},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			l, clk := newTestLine(limits)
			if tc.before != nil {
				tc.before(l, clk)
			}
			if got := l.fill(t, tc.patience); got != tc.want {
				t.Errorf("%d places, want %d", got, tc.want)
			}
			if tc.want == 0 {
				return
			}
			l.leave()
			if !l.enter(tc.patience) {
				t.Error("a place that was given back cannot be taken again")
			}
		})
	}
}

// Turns come in the order of the queue, however many writers there are, and one
// that is given up is in nobody's way.
func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newTestLine(lineLimits{limit: 100, writers: 2, pace: time.Second})
		var begun []int
		turns := map[int]*turn{}
		queue := func(ctx context.Context, number int) {
			go func() {
				turn, err := l.turn(ctx)
				if err != nil {
					return
				}
				begun = append(begun, number)
				turns[number] = turn
			}()
			synctest.Wait()
		}
		end := func(number int) {
			if turns[number] == nil {
				t.Fatalf("turn %d has not come, after %v", number, begun)
			}
			turns[number].end(true)
			synctest.Wait()
		}
		for number := range 5 {
			queue(t.Context(), number)
		}
		gone, goAway := context.WithCancel(t.Context())
		queue(gone, 5)
		queue(t.Context(), 6)
		goAway()
		synctest.Wait()
		for _, number := range []int{1, 0, 2, 3} {
			end(number)
		}
		if want := []int{0, 1, 2, 3, 4, 6}; !slices.Equal(begun, want) {
			t.Errorf("the turns came in the order %v, want %v", begun, want)
		}
		end(4)
		end(6)
		if l.writing.Len() != 0 || l.waiting.Len() != 0 {
			t.Errorf("after all turns, %d write and %d wait", l.writing.Len(), l.waiting.Len())
		}
	})
}

// A turn that comes in the moment in which its sender goes away goes to the next.
func TestATurnThatNobodyTakesIsPassedOn(t *testing.T) {
	l, _ := newTestLine(lineLimits{limit: 100, writers: 1, pace: time.Second})
	first, second, third := l.queue(), l.queue(), l.queue()
	first.end(true)
	<-second.called
	second.abandon()
	select {
	case <-third.called:
	default:
		t.Error("the turn was lost")
	}
}
