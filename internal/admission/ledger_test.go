// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// testLedger is a ledger with one account, and the resources that the cache shows.
type testLedger struct {
	*testing.T
	*Ledger
	clock  *clocktesting.FakePassiveClock
	key    types.NamespacedName
	limits limits
	view   []v1alpha1.VideoGeneration
}

// newTestLedger returns an empty ledger of an account with these limits.
func newTestLedger(t *testing.T, submissions, inFlight int) *testLedger {
	t.Helper()
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	return &testLedger{T: t, Ledger: NewLedger(clk), clock: clk, key: types.NamespacedName{Namespace: "films", Name: "default"},
		limits: limits{submissions: submissions, window: 10 * time.Second, inFlight: inFlight}}
}

func (b *testLedger) pass(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }

// reserve asks for a place for the resource, which the view need not show.
func (b *testLedger) reserve(name, attempt string) Verdict {
	b.Helper()
	return b.Reserve(b.key, b.limits, b.view, fixture.Video(name), credits.Of(60), attempt)
}

// want asserts a verdict.
func (b *testLedger) want(reason string, got, want Verdict) {
	b.Helper()
	if got != want {
		b.Errorf("%s: the verdict is %+v, want %+v", reason, got, want)
	}
}

// show makes the view show the resource with a task of the attempt.
func (b *testLedger) show(name, attempt string, taskState v1alpha1.TaskState, submittedAt time.Time) *v1alpha1.VideoGeneration {
	shown := fixture.Task(taskState, "task-of-"+attempt)
	shown.Attempt, shown.SubmittedAt.Time = attempt, submittedAt
	for i := range b.view {
		if b.view[i].Name == name {
			b.view[i].Status.Task = shown
			return &b.view[i]
		}
	}
	b.view = append(b.view, *fixture.Video(name, fixture.With(shown)))
	return &b.view[len(b.view)-1]
}

var (
	buys  = Verdict{Admitted: true}
	waits = Verdict{}
)

// fullFor is the verdict that the window is full for so long.
func fullFor(d time.Duration) Verdict { return Verdict{ByWindow: true, RetryAfter: d} }

func TestAPlaceInFlightIsHeldBeforeTheCacheShowsIt(t *testing.T) {
	b := newTestLedger(t, 9, 1)
	b.want("the account is idle", b.reserve("a", "1"), buys)
	b.want("the place is taken, though nothing shows it", b.reserve("b", "2"), waits)
	b.Answered(b.key, "1", true)
	b.pass(time.Hour)
	b.want("the task runs, however long nothing shows it", b.reserve("b", "2"), waits)
	b.show("a", "1", v1alpha1.TaskRunning, fixture.Epoch)
	b.want("now the cache shows it: it counts once, and still", b.reserve("b", "2"), waits)
	b.limits.inFlight = 2
	b.want("it counts once", b.reserve("b", "2"), buys)
}

func TestAFinishedTaskLeavesItsPlaceInFlight(t *testing.T) {
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		b := newTestLedger(t, 9, 1)
		b.reserve("a", "1")
		b.Answered(b.key, "1", true)
		b.show("a", "1", taskState, fixture.Epoch)
		b.want(string(taskState), b.reserve("b", "2"), buys)
	}
}

func TestReleaseGivesTheWholePlaceBack(t *testing.T) {
	b := newTestLedger(t, 1, 1)
	b.want("the account is idle", b.reserve("a", "1"), buys)
	b.Release(b.key, "1")
	b.want("nothing was sent, so nothing counts", b.reserve("b", "2"), buys)
	b.Release(b.key, "unknown")
	b.want("what was never reserved gives nothing back", b.reserve("c", "3"), waits)
}

// A purchase that was refused counts in the window, because KIE.AI got it, and
// not in flight.
func TestARefusedPurchaseCountsInTheWindowOnly(t *testing.T) {
	b := newTestLedger(t, 2, 1)
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
	b := newTestLedger(t, 1, 9)
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
	const latest = time.Second + SubmitTimeout + 10*time.Second
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskSubmitting, v1alpha1.TaskRunning, v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		t.Run(string(taskState), func(t *testing.T) {
			b := newTestLedger(t, 1, 9)
			b.show("a", "1", taskState, fixture.Epoch)
			b.want("it may arrive as late as its time limit", b.reserve("b", "2"), fullFor(latest))
			b.pass(latest - time.Nanosecond)
			b.want("it counts to the last moment", b.reserve("b", "2"), fullFor(time.Nanosecond))
			b.pass(time.Nanosecond)
			b.want("it counts no more", b.reserve("b", "2"), buys)
		})
	}
	t.Run("in flight", func(t *testing.T) {
		b := newTestLedger(t, 9, 1)
		b.show("a", "1", v1alpha1.TaskSubmitting, fixture.Epoch)
		b.pass(time.Hour)
		b.want("its answer is lost: it may be at work", b.reserve("b", "2"), waits)
	})
}

// This process's own purchases count for the window and no longer, however often
// they are looked at after that.
func TestOwnPurchasesDoNotPassForThoseOfAnEarlierProcess(t *testing.T) {
	for _, taskState := range []v1alpha1.TaskState{v1alpha1.TaskRunning, v1alpha1.TaskSucceeded, v1alpha1.TaskFailed} {
		t.Run(string(taskState), func(t *testing.T) {
			b := newTestLedger(t, 1, 9)
			b.want("the first", b.reserve("a", "1"), buys)
			b.show("a", "1", taskState, fixture.Epoch)
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
	b := newTestLedger(t, 1, 2)
	fixture.Adopted(b.show("a", "1", v1alpha1.TaskRunning, fixture.Epoch).Status.Task)
	b.want("it is not in the window", b.reserve("b", "2"), buys)
	b.Answered(b.key, "2", true)
	b.pass(time.Minute)
	b.want("it is in flight", b.reserve("c", "3"), waits)
}

// A user who asks to buy again gives up what was bought before: it counts no
// longer as in flight, but it did arrive.
func TestAResubmission(t *testing.T) {
	b := newTestLedger(t, 2, 1)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	me := b.show("a", "1", v1alpha1.TaskSubmitting, fixture.Epoch)
	me.Status.Task.ID = ""
	fixture.Annotated(v1alpha1.AnnotationResubmit, "1")(me)
	b.want("the lost purchase does not stand in its own way", b.Reserve(b.key, b.limits, b.view, me, credits.Of(60), "2"), buys)
	b.want("there is one place in flight", b.reserve("b", "3"), waits)
	b.Answered(b.key, "2", true)
	b.show("a", "2", v1alpha1.TaskRunning, fixture.Epoch)
	b.limits.inFlight = 2
	b.want("both arrived", b.reserve("b", "3"), fullFor(10*time.Second))
	b.limits.submissions = 3
	b.want("one is in flight", b.reserve("b", "3"), buys)
}

func TestADeletedResourceLeavesItsPlaceInFlight(t *testing.T) {
	b := newTestLedger(t, 1, 1)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	b.Forget("")
	b.Forget(fixture.Video("somebody").UID)
	b.want("others are forgotten", b.reserve("b", "2"), waits)
	b.Forget(fixture.Video("a").UID)
	b.want("its place in flight is free; what it bought did arrive", b.reserve("b", "2"), fullFor(10*time.Second))
	b.pass(10 * time.Second)
	b.want("the window is over", b.reserve("b", "2"), buys)
}

func TestTheWindowIsRaisedAndLowered(t *testing.T) {
	b := newTestLedger(t, 1, 9)
	b.reserve("a", "1")
	b.Answered(b.key, "1", true)
	b.pass(5 * time.Second)
	b.limits.window = time.Minute
	b.want("the purchase counts in the longer window", b.reserve("b", "2"), fullFor(55*time.Second))
	b.limits.window = 5 * time.Second
	b.want("the purchase has left the shorter window", b.reserve("b", "2"), buys)
}

func TestAccountsDoNotShareAnything(t *testing.T) {
	b := newTestLedger(t, 1, 1)
	other := types.NamespacedName{Namespace: "films", Name: "other"}
	b.reserve("a", "1")
	b.Refuse(b.key, kie.InsufficientCredits, "key", time.Hour)
	b.want("another account", b.Reserve(other, b.limits, nil, fixture.Video("b"), credits.Of(60), "2"), buys)
	if _, refused := b.Refused(other); refused {
		t.Error("another account is refused")
	}
}

func TestRefusals(t *testing.T) {
	for class := range RefusalAdvice {
		t.Run(string(class), func(t *testing.T) {
			b := newTestLedger(t, 9, 9)
			if _, refused := b.Refused(b.key); refused {
				t.Error("a new account is refused")
			}
			b.Refuse(b.key, class, "key", time.Minute)
			b.want("it is refused", b.reserve("a", "1"), Verdict{Refused: class, RetryAfter: time.Minute})
			if got, ok := b.Refused(b.key); !ok || got.Class != class || !got.At.Equal(fixture.Epoch) || !got.Until.Equal(fixture.Epoch.Add(time.Minute)) || got.APIKey != "key" {
				t.Errorf("the refusal is %+v, %t", got, ok)
			}
			b.pass(time.Minute)
			if Lasting(class) {
				b.want("time alone does not end it", b.reserve("a", "1"), Verdict{Refused: class, RetryAfter: time.Second})
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
		b := newTestLedger(t, 9, 9)
		b.Refuse(b.key, tt.first, "key", time.Minute)
		b.Refuse(b.key, tt.second, "key", time.Minute)
		if got, _ := b.Refused(b.key); got.Class != tt.want {
			t.Errorf("%s, then %s: the refusal is %s, want %s", tt.first, tt.second, got.Class, tt.want)
		}
	}
}

// What counts no more is forgotten: otherwise the memory of a long-running process
// would grow without end.
func TestTheLedgerForgets(t *testing.T) {
	b := newTestLedger(t, 1000, 1000)
	most := 0
	for i := range 5000 {
		name, attempt := fmt.Sprintf("video-%d", i), fmt.Sprintf("attempt-%d", i)
		b.reserve(name, attempt)
		b.Answered(b.key, attempt, true)
		switch i % 3 {
		case 0: // finished, and kept for a while
			b.show(name, attempt, v1alpha1.TaskSucceeded, b.clock.Now())
		case 1: // deleted
			b.Forget(fixture.Video(name).UID)
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

// A purchase that turns out not to be made while a write of the account has it is
// taken out by the next one.
func TestAPurchaseIsTakenBackWhileItIsNoted(t *testing.T) {
	for name, noted := range map[string]bool{"the write is made": true, "the write fails": false} {
		t.Run(name, func(t *testing.T) {
			b := newTestLedger(t, 9, 9)
			of := fixture.Identity("films", "default")
			b.Spend(of, "1", credits.Of(60))
			through := fixture.Epoch.Add(time.Second)
			b.pass(time.Second)
			if spent, _ := b.Unbooked(of, through); spent != credits.Of(60) {
				t.Fatalf("%s credits are to be written, want 60", spent)
			}
			b.Unspend(of, "1", credits.Of(60))
			want := credits.Amount{}
			if noted {
				b.Booked(of, through)
				want = want.Minus(credits.Of(60))
			}
			if spent, _ := b.Unbooked(of, fixture.Epoch.Add(time.Hour)); spent != want {
				t.Errorf("%s credits are to be written then, want %s", spent, want)
			}
		})
	}
}

// The books in memory of an account and of the next one of its name, and of one
// that is gone.
func TestBooksAreOfOneAccount(t *testing.T) {
	b := newTestLedger(t, 9, 9)
	later := fixture.Epoch.Add(time.Hour)
	earlier, now := fixture.Identity("films", "default"), fixture.Identity("films", "default")
	now.UID = "another"
	want := func(reason string, of v1alpha1.AccountIdentity, spent int64) {
		t.Helper()
		if got, _ := b.Unbooked(of, later); got != credits.Of(spent) {
			t.Errorf("%s: %s credits are to be written, want %d", reason, got, spent)
		}
	}
	b.Identify(earlier)
	b.Spend(earlier, "1", credits.Of(60))
	b.Spend(now, "2", credits.Of(30))
	want("nobody has looked at the next one yet", now, 30)
	b.Refuse(b.key, kie.Unauthorized, "key", time.Hour)
	b.Identify(now)
	if _, refused := b.Refused(b.key); refused {
		t.Error("what KIE.AI refused to the earlier one is refused to the next")
	}
	b.Unspend(earlier, "1", credits.Of(60))
	b.Spend(earlier, "3", credits.Of(60))
	want("the earlier one buys and gives back", now, 30)
	b.Identify(now)
	b.Unspend(now, "2", credits.Of(30))
	want("it gives back what it has bought itself", now, 0)
	account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "films", Name: "default", UID: now.UID}}
	for attempt, buyer := range map[string]v1alpha1.AccountIdentity{"4": earlier, "5": now, "6": fixture.Identity("films", "other"), "7": {}} {
		task := b.show("video-"+attempt, attempt, v1alpha1.TaskRunning, fixture.Epoch).Status.Task
		task.Account, task.Credits = buyer, "10"
	}
	past := v1alpha1.PastTask{Attempt: "8", ID: fixture.TaskID, SubmittedAt: metav1.NewTime(fixture.Epoch), Credits: "10", Account: earlier}
	b.view[0].Status.History = []v1alpha1.PastTask{past}
	if err := b.Recover(account, b.view); err != nil {
		t.Error(err)
	}
	want("another process bought two, of which it is not known that another account did", now, 20)
	b.ForgetAccount(now.Key())
	if len(b.books) > 0 {
		t.Errorf("the books of %d accounts are kept, and there is none", len(b.books))
	}
}

// An account that a resource has left has its place again.
func TestAPurchaseThatMovesLeavesItsPlace(t *testing.T) {
	b := newTestLedger(t, 9, 1)
	other := client.ObjectKey{Namespace: "films", Name: "other"}
	b.want("bought here", b.reserve("a", "1"), buys)
	b.Answered(b.key, "1", true)
	b.want("bought again elsewhere", b.Reserve(other, b.limits, nil, fixture.Video("a"), credits.Of(60), "2"), buys)
	b.pass(time.Hour)
	b.want("the place is free", b.reserve("b", "3"), buys)
}

// What is held for the budget is let go when credits are given back to it, or
// when the spec of the account changes.
func TestABudgetThatOpensAgain(t *testing.T) {
	b := newTestLedger(t, 9, 9)
	account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: b.key.Namespace, Name: b.key.Name}}
	hold := state.Wait{Reason: v1alpha1.ReasonBudgetExhausted, RetryAfter: time.Hour}
	b.Hold(account, fixture.Video("a").UID, hold)
	if v := b.reserve("a", "1"); v.Held == nil || v.Held.Reason != hold.Reason || v.RetryAfter != time.Hour {
		t.Errorf("the verdict is %+v, want it held for an hour", v)
	}
	b.Reopen(b.key, v1alpha1.ReasonInvalidImage)
	if v := b.reserve("a", "2"); v.Held == nil {
		t.Errorf("the verdict is %+v, want it held: something else was put right", v)
	}
	b.Reopen(b.key, v1alpha1.ReasonBudgetExhausted)
	b.want("credits were given back", b.reserve("a", "3"), buys)
	b.Release(b.key, "3")
	b.Hold(account, fixture.Video("a").UID, hold)
	b.limits.generation++
	b.want("the account was changed", b.reserve("a", "4"), buys)
}

// The balance is enough to the thousandth.
func TestTheBalanceIsExact(t *testing.T) {
	b := newTestLedger(t, 9, 9)
	b.SetBalance(b.key, *fixture.AmountOf(28_800), fixture.Epoch)
	for _, tt := range []struct {
		name string
		want Verdict
	}{{"a", buys}, {"b", buys}, {"c", Verdict{Short: true}}} {
		b.want(tt.name, b.Reserve(b.key, b.limits, b.view, fixture.Video(tt.name), *fixture.AmountOf(14_400), tt.name), tt.want)
	}
	b.want("what is free is bought with nothing", b.Reserve(b.key, b.limits, b.view, fixture.Video("d"), credits.Amount{}, "d"), buys)
}

// What the resources show of purchases is counted or said, and not left out.
func TestRecoverReadsWhatPurchasesHaveCost(t *testing.T) {
	for _, tt := range []struct {
		reason, text string
		change       func(*v1alpha1.Task)
		want         string
		unread       bool
	}{
		{reason: "it can be read", text: "14.4", want: "14.4"},
		{reason: "it was free", text: "0", want: "0"},
		{reason: "a word", text: "n/a", want: "0", unread: true},
		{reason: "negative", text: "-60", want: "0", unread: true},
		{reason: "it wraps", text: "18446744073709551676", want: "0", unread: true},
		{reason: "it was booked by who made it", text: "", want: "0"},
		{reason: "it was taken over, and not bought", text: "n/a", change: func(task *v1alpha1.Task) { task.Adopted = ptr.To(true) }, want: "0"},
		{reason: "it is in the books already", text: "n/a", change: func(task *v1alpha1.Task) { task.SubmittedAt.Time = fixture.Epoch.Add(-time.Hour) }, want: "0"},
	} {
		b := newTestLedger(t, 9, 9)
		account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: b.key.Namespace, Name: b.key.Name, CreationTimestamp: metav1.NewTime(fixture.Epoch.Add(-time.Minute))}}
		vg := b.show("a", "1", v1alpha1.TaskRunning, fixture.Epoch)
		vg.Status.Task.Credits = tt.text
		if tt.change != nil {
			tt.change(vg.Status.Task)
		}
		if unread := b.Unread(account, b.view); (unread != nil) != tt.unread {
			t.Errorf("%s: unread is %v", tt.reason, unread)
		}
		for range 3 {
			if unread := b.Recover(account, b.view); (unread != nil) != tt.unread {
				t.Errorf("%s: unread is %v", tt.reason, unread)
			}
			b.pass(recoverWithin + time.Minute)
		}
		if got, _ := b.Unbooked(v1alpha1.IdentityOf(account), fixture.Epoch.Add(time.Hour)); got.String() != tt.want {
			t.Errorf("%s: %s credits were spent, want %s", tt.reason, got, tt.want)
		}
	}
}
