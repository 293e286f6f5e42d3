// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// till is a ledger with one account, and what its operator sees.
type till struct {
	*testing.T
	*Ledger
	clock  *clocktesting.FakePassiveClock
	key    types.NamespacedName
	limits limits
	view   []v1alpha1.VideoGeneration
}

// newTill returns an empty ledger of an account that allows so much.
func newTill(t *testing.T, submissions, inFlight int) *till {
	t.Helper()
	clk := clocktesting.NewFakePassiveClock(epoch)
	return &till{T: t, Ledger: NewLedger(clk), clock: clk, key: types.NamespacedName{Namespace: "films", Name: "default"},
		limits: limits{submissions: submissions, window: 10 * time.Second, inFlight: inFlight}}
}

func (b *till) pass(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }

// reserve asks for a place for the resource, which the view need not show.
func (b *till) reserve(name, attempt string) verdict {
	b.Helper()
	return b.Reserve(b.key, b.limits, b.view, video(name), credits.Of(60), attempt)
}

// want asserts a verdict.
func (b *till) want(reason string, got, want verdict) {
	b.Helper()
	if got != want {
		b.Errorf("%s: the verdict is %+v, want %+v", reason, got, want)
	}
}

// show makes the view show the resource with a task of the attempt.
func (b *till) show(name, attempt string, taskState v1alpha1.TaskState, submittedAt time.Time) *v1alpha1.VideoGeneration {
	shown := task(taskState, "task-of-"+attempt)
	shown.Attempt, shown.SubmittedAt.Time = attempt, submittedAt
	for i := range b.view {
		if b.view[i].Name == name {
			b.view[i].Status.Task = shown
			return &b.view[i]
		}
	}
	b.view = append(b.view, *video(name, with(shown)))
	return &b.view[len(b.view)-1]
}

var (
	buys  = verdict{admitted: true}
	waits = verdict{}
)

// fullFor is the verdict that the window is full for so long.
func fullFor(d time.Duration) verdict { return verdict{byWindow: true, retryAfter: d} }

func TestAPlaceInFlightIsHeldBeforeTheCacheShowsIt(t *testing.T) {
	b := newTill(t, 9, 1)
	b.want("the account is idle", b.reserve("a", "1"), buys)
	b.want("the place is taken, though nothing shows it", b.reserve("b", "2"), waits)
	b.Answered(b.key, "1", true)
	b.pass(time.Hour)
	b.want("the task runs, however long nothing shows it", b.reserve("b", "2"), waits)
	b.show("a", "1", v1alpha1.TaskRunning, epoch)
	b.want("now the cache shows it: it counts once, and still", b.reserve("b", "2"), waits)
	b.limits.inFlight = 2
	b.want("it counts once", b.reserve("b", "2"), buys)
}

func TestAFinishedTaskLeavesItsPlaceInFlight(t *testing.T) {
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		b := newTill(t, 9, 1)
		b.reserve("a", "1")
		b.Answered(b.key, "1", true)
		b.show("a", "1", taskState, epoch)
		b.want(string(taskState), b.reserve("b", "2"), buys)
	}
}

func TestReleaseGivesTheWholePlaceBack(t *testing.T) {
	b := newTill(t, 1, 1)
	b.want("the account is idle", b.reserve("a", "1"), buys)
	b.Release(b.key, "1")
	b.want("nothing was sent, so nothing counts", b.reserve("b", "2"), buys)
	b.Release(b.key, "unknown")
	b.want("what was never reserved gives nothing back", b.reserve("c", "3"), waits)
}

// A purchase that was refused counts in the window, because KIE.AI got it, and
// not in flight.
func TestARefusedPurchaseCountsInTheWindowOnly(t *testing.T) {
	b := newTill(t, 2, 1)
	b.reserve("a", "1")
	b.pass(3 * time.Second)
	b.Answered(b.key, "1", false)
	b.want("nothing is in flight", b.reserve("b", "2"), buys)
	b.Answered(b.key, "2", false)
	b.want("both count from their answers on", b.reserve("c", "3"), fullFor(10*time.Second))
	b.pass(10*time.Second - time.Nanosecond)
	b.want("the window is full to its end", b.reserve("c", "3"), fullFor(time.Nanosecond))
	b.pass(time.Nanosecond)
	b.want("the window is over", b.reserve("c", "3"), buys)
}

// While a request is on its way, KIE.AI may get it at any moment.
func TestAnUnansweredPurchaseCountsForAWholeWindowFromNow(t *testing.T) {
	b := newTill(t, 1, 9)
	b.reserve("a", "1")
	for range 5 {
		b.want("it may arrive just now", b.reserve("b", "2"), fullFor(10*time.Second))
		b.pass(7 * time.Second)
	}
	b.Answered(b.key, "1", true)
	b.pass(4 * time.Second)
	b.want("it arrived before its answer came", b.reserve("b", "2"), fullFor(6*time.Second))
	b.pass(6 * time.Second)
	b.want("the window is over", b.reserve("b", "2"), buys)
	b.Answered(b.key, "unknown", true)
	b.want("an answer to nothing changes nothing", b.reserve("c", "3"), fullFor(10*time.Second))
}

// Of what an earlier process bought, only the resource tells: the stored time
// has whole seconds, and the request may have taken its whole time limit.
func TestPurchasesOfAnEarlierProcess(t *testing.T) {
	const latest = time.Second + submitTimeout + 10*time.Second
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskSubmitting, v1alpha1.TaskRunning, v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		t.Run(string(taskState), func(t *testing.T) {
			b := newTill(t, 1, 9)
			b.show("a", "1", taskState, epoch)
			b.want("it may arrive as late as its time limit", b.reserve("b", "2"), fullFor(latest))
			b.pass(latest - time.Nanosecond)
			b.want("it counts to the last moment", b.reserve("b", "2"), fullFor(time.Nanosecond))
			b.pass(time.Nanosecond)
			b.want("it counts no more", b.reserve("b", "2"), buys)
		})
	}
	t.Run("in flight", func(t *testing.T) {
		b := newTill(t, 9, 1)
		b.show("a", "1", v1alpha1.TaskSubmitting, epoch)
		b.pass(time.Hour)
		b.want("its answer is lost: it may be at work", b.reserve("b", "2"), waits)
	})
}

// This process's own purchases count for the window and no longer, however often
// they are looked at after that.
func TestOwnPurchasesDoNotPassForThoseOfAnEarlierProcess(t *testing.T) {
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskRunning, v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		t.Run(string(taskState), func(t *testing.T) {
			b := newTill(t, 1, 9)
			b.want("the first", b.reserve("a", "1"), buys)
			b.show("a", "1", taskState, epoch)
			b.Answered(b.key, "1", taskState != v1alpha1.TaskFailed)
			b.want("the window is full", b.reserve("b", "2"), fullFor(10*time.Second))
			b.pass(10 * time.Second)
			for i := range 20 {
				b.want("it has left the window", b.reserve("b", fmt.Sprint("try-", i)), buys)
				b.Release(b.key, fmt.Sprint("try-", i))
				b.pass(time.Second)
			}
		})
	}
}

// What was adopted was not sent by this operator, or long ago.
func TestAnAdoptedTaskCountsInFlightOnly(t *testing.T) {
	b := newTill(t, 1, 2)
	adopted(b.show("a", "1", v1alpha1.TaskRunning, epoch).Status.Task)
	b.want("it is not in the window", b.reserve("b", "2"), buys)
	b.Answered(b.key, "2", true)
	b.pass(time.Minute)
	b.want("it is in flight", b.reserve("c", "3"), waits)
}

// A user who asks to buy again gives up what was bought before: it counts no
// longer as in flight, but it did arrive.
func TestAResubmission(t *testing.T) {
	b := newTill(t, 2, 1)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	me := b.show("a", "1", v1alpha1.TaskSubmitting, epoch)
	me.Status.Task.ID = ""
	annotated(v1alpha1.AnnotationResubmit, "1")(me)
	b.want("the lost purchase does not stand in its own way", b.Reserve(b.key, b.limits, b.view, me, credits.Of(60), "2"), buys)
	b.want("there is one place in flight", b.reserve("b", "3"), waits)
	b.Answered(b.key, "2", true)
	b.show("a", "2", v1alpha1.TaskRunning, epoch)
	b.limits.inFlight = 2
	b.want("both arrived", b.reserve("b", "3"), fullFor(10*time.Second))
	b.limits.submissions = 3
	b.want("one is in flight", b.reserve("b", "3"), buys)
}

func TestADeletedResourceLeavesItsPlaceInFlight(t *testing.T) {
	b := newTill(t, 1, 1)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	b.Forget("")
	b.Forget(video("somebody").UID)
	b.want("others are forgotten", b.reserve("b", "2"), waits)
	b.Forget(video("a").UID)
	b.want("its place in flight is free; what it bought did arrive", b.reserve("b", "2"), fullFor(10*time.Second))
	b.pass(10 * time.Second)
	b.want("the window is over", b.reserve("b", "2"), buys)
}

func TestTheWindowIsRaisedAndLowered(t *testing.T) {
	b := newTill(t, 1, 9)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	b.pass(5 * time.Second)
	b.limits.window = time.Minute
	b.want("the purchase counts in the longer window", b.reserve("b", "2"), fullFor(55*time.Second))
	b.limits.window = 5 * time.Second
	b.want("the purchase has left the shorter window", b.reserve("b", "2"), buys)
}

func TestAccountsDoNotShareAnything(t *testing.T) {
	b := newTill(t, 1, 1)
	other := types.NamespacedName{Namespace: "films", Name: "other"}
	b.reserve("a", "1")
	b.Refuse(b.key, kie.InsufficientCredits, "key", time.Hour)
	b.want("another account", b.Reserve(other, b.limits, nil, video("b"), credits.Of(60), "2"), buys)
	if _, refused := b.Refused(other); refused {
		t.Error("another account is refused")
	}
}

func TestRefusals(t *testing.T) {
	for class := range refusalAdvice {
		t.Run(string(class), func(t *testing.T) {
			b := newTill(t, 9, 9)
			if _, refused := b.Refused(b.key); refused {
				t.Error("a new account is refused")
			}
			b.Refuse(b.key, class, "key", time.Minute)
			b.want("it is refused", b.reserve("a", "1"), verdict{refused: class, retryAfter: time.Minute})
			if got, ok := b.Refused(b.key); !ok || got.class != class || !got.at.Equal(epoch) || !got.until.Equal(epoch.Add(time.Minute)) || got.apiKey != "key" {
				t.Errorf("the refusal is %+v, %t", got, ok)
			}
			b.pass(time.Minute)
			if lasting(class) {
				b.want("time alone does not end it", b.reserve("a", "1"), verdict{refused: class, retryAfter: time.Second})
				b.Allow(b.key, false)
			}
			b.want("it is over", b.reserve("a", "1"), buys)
		})
	}
}

// What has to be put right is not forgotten for something that passes.
func TestWhichRefusalStays(t *testing.T) {
	for _, tt := range []struct {
		first, second, want kie.Class
	}{
		{kie.InsufficientCredits, kie.RateLimited, kie.InsufficientCredits},
		{kie.InsufficientCredits, kie.Unavailable, kie.InsufficientCredits},
		{kie.InsufficientCredits, kie.Unauthorized, kie.Unauthorized},
		{kie.RateLimited, kie.Unavailable, kie.Unavailable},
		{kie.RateLimited, kie.Maintenance, kie.Maintenance},
	} {
		b := newTill(t, 9, 9)
		b.Refuse(b.key, tt.first, "key", time.Minute)
		b.Refuse(b.key, tt.second, "key", time.Minute)
		if got, _ := b.Refused(b.key); got.class != tt.want {
			t.Errorf("%s, then %s: the refusal is %s, want %s", tt.first, tt.second, got.class, tt.want)
		}
	}
}

// What counts no more is forgotten, or a long life would fill the memory.
func TestTheLedgerForgets(t *testing.T) {
	b := newTill(t, 1000, 1000)
	most := 0
	for i := range 5000 {
		name, attempt := fmt.Sprintf("video-%d", i), fmt.Sprintf("attempt-%d", i)
		b.reserve(name, attempt)
		b.Answered(b.key, attempt, true)
		switch i % 3 {
		case 0: // finished, and kept for a while
			b.show(name, attempt, v1alpha1.TaskSucceeded, b.clock.Now())
		case 1: // deleted
			b.Forget(video(name).UID)
		default: // bought again, and that was refused
			b.show(name, attempt, v1alpha1.TaskFailed, b.clock.Now())
			b.Reserve(b.key, b.limits, b.view, &b.view[len(b.view)-1], credits.Of(60), attempt+"-again")
			b.Answered(b.key, attempt+"-again", false)
		}
		if len(b.view) > 10 {
			b.Forget(b.view[0].UID)
			b.view = b.view[1:]
		}
		b.pass(time.Second)
		most = max(most, len(b.account(b.key).purchases))
	}
	if most > 150 {
		t.Errorf("the ledger remembered %d purchases at a time, of which at most 20 counted", most)
	}
}
