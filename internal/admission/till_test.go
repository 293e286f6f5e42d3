// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// testTill is a till with the account of a resource in namespace films.
type testTill struct {
	*testing.T
	*Till
	clock   *clocktesting.FakePassiveClock
	key     types.NamespacedName
	account *v1alpha1.KieAccount
	version int
}

func newTestTill(t *testing.T, submissions, inFlight int) *testTill {
	t.Helper()
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	b := &testTill{T: t, Till: NewTill(clk), clock: clk, key: paidBy.Key(),
		account: &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: paidBy.Namespace, Name: paidBy.Name, UID: paidBy.UID}}}
	b.limit(submissions, inFlight)
	return b
}

// limit changes the spec of the account.
func (b *testTill) limit(submissions, inFlight int) {
	b.account.Generation++
	b.account.Spec.Limits = v1alpha1.AccountLimits{Submissions: int32(submissions), InFlight: int32(inFlight), Window: metav1.Duration{Duration: 10 * time.Second}}
	b.account.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: b.account.Generation}}
	b.UpdateAccount(b.account)
}

func (b *testTill) limits() limits {
	prices, _ := accounts.PricesOf(b.account)
	return LimitsOf(b.account, prices)
}

func (b *testTill) pass(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }

// show shows the till a resource, as a newer version than all before.
func (b *testTill) show(name string, changes ...func(*v1alpha1.VideoGeneration)) {
	vg := fixture.Video(name, changes...)
	b.version++
	vg.ResourceVersion = strconv.Itoa(b.version)
	b.Update(vg)
}

// ask asks for a place for a resource.
func (b *testTill) ask(name, attempt string, changes ...func(*v1alpha1.VideoGeneration)) Verdict {
	return b.Reserve(b.key, b.limits(), fixture.Video(name, changes...), credits.Of(60), attempt)
}

func (b *testTill) want(reason string, got, want Verdict) {
	b.Helper()
	if got != want {
		b.Errorf("%s: the verdict is %+v, want %+v", reason, got, want)
	}
}

// wantTurns asserts whom the till tells that it is their turn.
func (b *testTill) wantTurns(reason string, want ...string) (again time.Time) {
	b.Helper()
	names, again := b.Turns()
	var got []string
	for _, name := range names {
		got = append(got, name.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s: the turn of others (-want +got):\n%s", reason, diff)
	}
	return again
}

func (b *testTill) wantAgain(reason string, got time.Time, in time.Duration) {
	b.Helper()
	if want := b.clock.Now().Add(in); !got.Equal(want) {
		b.Errorf("%s: Turns is to be asked again after %s, want %s", reason, got.Sub(b.clock.Now()), in)
	}
}

// T1: what was not bought keeps nobody waiting.
func TestWhatWasTakenOverHoldsNoPlace(t *testing.T) {
	b := newTestTill(t, 9, 1)
	for i := range 100 {
		b.show(fmt.Sprintf("adopted-%d", i), bought(v1alpha1.TaskRunning, fmt.Sprint("no-such-", i), adopted))
		b.show(fmt.Sprintf("restored-%d", i), bought(v1alpha1.TaskSubmitting, fmt.Sprint("restored-", i), restored))
	}
	b.want("nothing was bought", b.ask("b", "1"), buys)
	b.want("now something was", b.ask("c", "2"), waits)
}

// T2: what is being deleted counts as deleted, whoever holds it.
func TestWhatIsBeingDeletedHoldsNoPlace(t *testing.T) {
	b := newTestTill(t, 9, 2)
	b.show("waits", on(paidBy), leaving)
	b.show("runs", bought(v1alpha1.TaskRunning, "1"))
	b.want("one place is left", b.ask("a", "2"), buys)
	b.want("both are taken", b.ask("b", "3"), waits)
	b.show("runs", bought(v1alpha1.TaskRunning, "1"), leaving)
	b.show("a", on(paidBy), leaving) // deleted between its request and the write of it
	b.wantTurns("a place is free", "b")
	b.want("it buys", b.ask("b", "3"), buys)
	b.want("the other place is free too", b.ask("c", "4"), buys)
	b.want("four were sent, and two are at work", b.ask("d", "5"), waits)
}

// T3: who cannot buy does not stand in the queue, however old it is.
func TestWhoCannotBuyKeepsNobodyWaiting(t *testing.T) {
	b := newTestTill(t, 9, 1)
	old := fixture.Created(fixture.Epoch.Add(-time.Hour))
	lost := bought(v1alpha1.TaskFailed, "1", adopted, failedFor(v1alpha1.ReasonTaskNotFound))
	b.show("thief", old, lost, fixture.Resubmit, refersTo("", "nowhere"))
	b.wantTurns("nobody can buy")
	b.show("b", on(paidBy))
	b.wantTurns("one can", "b")
	b.want("it buys", b.ask("b", "2"), buys)
	b.Release(b.key, "2")

	// What the resource does not show, its reconcile finds: it is told once, and steps aside.
	b.show("blind", old, on(paidBy))
	b.wantTurns("as far as it shows, it is able to buy", "blind")
	b.StepAside("uid-of-blind")
	b.wantTurns("it is not", "b")
	b.show("blind", old, on(paidBy), fixture.Annotated("example.com/note", "edited"))
	b.wantTurns("an event says nothing of that")
	b.want("it has got what was missing", b.ask("blind", "3", old), buys)
}

// A reconcile that does not come keeps the others waiting for turnLasts only.
func TestATurnPasses(t *testing.T) {
	b := newTestTill(t, 9, 1)
	b.show("a", on(paidBy), fixture.Created(fixture.Epoch.Add(-time.Hour)))
	b.show("b", on(paidBy))
	b.wantAgain("a may not come", b.wantTurns("the oldest", "a"), turnLasts)
	b.pass(turnLasts - 1)
	b.wantTurns("it may still come")
	b.pass(1)
	b.wantTurns("it has not come", "b")
	b.want("it is late, and goes first all the same", b.ask("a", "1", fixture.Created(fixture.Epoch.Add(-time.Hour))), buys)
	b.want("the turn of the other is over", b.ask("b", "2"), waits)
}

// T5: credits are kept for what will be bought for sure, and for nothing else.
func TestCreditsAreKeptForWhatWillBeBought(t *testing.T) {
	b := newTestTill(t, 9, 99)
	b.SetBalance(b.key, credits.Of(1000), fixture.Epoch)
	large := fixture.In(v1alpha1.Resolution4K)
	for i := range 20 {
		name := fmt.Sprint("video-", i)
		b.show("adopted-"+name, bought(v1alpha1.TaskRunning, "a-"+name, adopted), large)
		b.show("held-"+name, bought(v1alpha1.TaskSucceeded, "h-"+name), made, large, suspended)
		b.show("leaving-"+name, bought(v1alpha1.TaskSucceeded, "l-"+name), made, large, leaving)
	}
	b.pass(time.Minute)
	b.want("nothing is reserved", b.ask("a", "1"), buys)
	price, _ := accounts.UpgradePrice(fixture.Video("", large, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelFast }), b.limits().prices)
	for i := 0; credits.Of(1000-60-59).Minus(price.Times(i)).Less(credits.Of(1000)) && i < 20; i++ {
		b.show(fmt.Sprint("bought-", i), bought(v1alpha1.TaskSucceeded, fmt.Sprint("b-", i)), made, large, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelFast })
	}
	b.want("the larger versions of what was bought will cost more than there is", b.ask("b", "2"), Verdict{Short: true})
	b.wantTurns("who is short of credits does not stand in the queue")
	for i := range 20 {
		b.Remove(types.UID(fmt.Sprint("uid-of-bought-", i)))
	}
	b.wantTurns("nothing is to be made larger any more", "b")
	b.show("bought-again", bought(v1alpha1.TaskSucceeded, "again"), made, large, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelFast })
	b.SetBalance(b.key, credits.Of(60+61), b.clock.Now())
	b.want("it will cost what there is", b.ask("b", "2"), Verdict{Short: true})
	b.show("bought-again", bought(v1alpha1.TaskSucceeded, "again"), made, large, suspended)
	b.wantTurns("its user holds it back", "b")
	b.show("bought-again", bought(v1alpha1.TaskSucceeded, "again"), made, large, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelFast })
	b.want("it will cost what there is", b.ask("b", "2"), Verdict{Short: true})
	b.SetBalance(b.key, credits.Of(100_000), b.clock.Now())
	b.wantTurns("there are enough now", "b")
}

// T9: a purchase that was seen leaves no place behind, wherever its resource goes.
func TestAPurchaseThatGoesElsewhereLeavesNoPlace(t *testing.T) {
	for reason, after := range map[string][]func(*v1alpha1.VideoGeneration){
		"bought again by an account that does not exist": {bought(v1alpha1.TaskFailed, "1", failedFor(v1alpha1.ReasonContentRejected)), fixture.Resubmit, refersTo("", "nowhere"), on(v1alpha1.AccountIdentity{})},
		"its status is emptied":                          {on(v1alpha1.AccountIdentity{})},
		"its status names another account":               {bought(v1alpha1.TaskRunning, "1"), on(fixture.Identity("films", "other"))},
	} {
		b := newTestTill(t, 9, 1)
		b.want(reason, b.ask("thief", "1"), buys)
		b.show("thief", bought(v1alpha1.TaskSubmitting, "1"))
		b.Answered(b.key, "1", true)
		b.want(reason+": it is at work", b.ask("b", "2"), waits)
		b.show("thief", bought(v1alpha1.TaskFailed, "1", failedFor(v1alpha1.ReasonContentRejected)))
		b.show("thief", after...)
		b.wantTurns(reason+": the place is free", "b")
		b.want(reason+": it buys", b.ask("b", "2"), buys)
	}
	b, other := newTestTill(t, 9, 1), types.NamespacedName{Namespace: "films", Name: "other"}
	b.want("bought here", b.ask("a", "1"), buys)
	b.Answered(b.key, "1", true)
	b.want("bought again elsewhere, before an event has shown anything", b.Reserve(other, b.limits(), fixture.Video("a"), credits.Of(60), "2"), buys)
	b.want("the place is free", b.ask("b", "3"), buys)
}

// Those are told whose turn it is, once, when the window opens or a place is free.
func TestWhoIsWoken(t *testing.T) {
	b := newTestTill(t, 2, 3)
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		b.show(name, on(paidBy), fixture.Created(fixture.Epoch.Add(time.Duration(i)*time.Second)))
	}
	b.wantTurns("the window has room for two", "a", "b")
	b.wantTurns("they know")
	b.want("a", b.ask("a", "1", on(paidBy)), buys)
	b.want("b", b.ask("b", "2", on(paidBy)), buys)
	if again := b.wantTurns("the window is full"); !again.IsZero() {
		t.Errorf("it is to open at %s, and nothing was answered", again)
	}
	b.pass(time.Second)
	b.Answered(b.key, "1", true)
	b.pass(time.Second)
	b.Answered(b.key, "2", true)
	b.wantAgain("the first counts for 9 s more", b.wantTurns("it is still full"), 9*time.Second)
	b.pass(9 * time.Second)
	b.wantTurns("one place in the window, and one in flight", "c")
	b.want("c", b.ask("c", "3", on(paidBy)), buys)
	b.pass(time.Second)
	if again := b.wantTurns("no place in flight is free"); !again.IsZero() {
		t.Errorf("Turns is to be asked again at %s, and no time helps", again)
	}
	b.Answered(b.key, "3", true)
	b.show("a", bought(v1alpha1.TaskRunning, "1"))
	b.wantTurns("an event shows what is known")
	b.show("a", bought(v1alpha1.TaskSucceeded, "1"))
	b.wantTurns("a place is free", "d")
	select {
	case <-b.Changed():
	default:
		t.Error("nothing says that there was a change")
	}
}

// A purchase whose answer was lost is made again in its own place, and before all others.
func TestALostPurchaseIsMadeAgainInItsPlace(t *testing.T) {
	lost := []func(*v1alpha1.VideoGeneration){bought(v1alpha1.TaskSubmitting, "1", func(task *v1alpha1.Task) { task.ID = "" }), fixture.Resubmit,
		fixture.In(v1alpha1.Resolution4K), func(vg *v1alpha1.VideoGeneration) { vg.Spec.Model = v1alpha1.ModelFast }}
	b := newTestTill(t, 9, 1)
	b.pass(time.Hour)
	b.show("b", on(paidBy), fixture.Created(fixture.Epoch.Add(-time.Hour)))
	b.show("lost", lost...)
	b.wantTurns("the only place is its own", "lost")
	b.want("the other has to wait", b.ask("b", "2", fixture.Created(fixture.Epoch.Add(-time.Hour))), waits)
	own := b.limits()
	upgraded, _ := accounts.UpgradePrice(fixture.Video("", lost...), own.prices)
	b.SetBalance(b.key, upgraded.Plus(credits.Of(1)), b.clock.Now())
	if v := b.Reserve(b.key, own, fixture.Video("lost", lost...), upgraded.Plus(credits.Of(1)), "3"); !v.Admitted {
		t.Errorf("the verdict is %+v: the price of its own upgrade is kept from it", v)
	}
	b.want("both its requests hold the place, until an event shows the second", b.ask("b", "4"), Verdict{Short: true})
}

// Two that hold places go before the others, though there is room for one of them only.
func TestThoseWithAPlaceGoFirst(t *testing.T) {
	b := newTestTill(t, 9, 2)
	b.pass(time.Hour)
	for _, name := range []string{"a", "b", "c"} {
		b.show(name, bought(v1alpha1.TaskSubmitting, name, func(task *v1alpha1.Task) { task.ID = "" }), fixture.Resubmit)
	}
	b.show("d", on(paidBy), fixture.Created(fixture.Epoch.Add(-time.Hour)))
	b.wantTurns("three places are taken, and two are allowed")
	b.limit(9, 3)
	b.wantTurns("one of them may use its own", "a")
	b.limit(9, 5)
	b.wantTurns("two more are allowed", "b", "c")
}

// The balance shows what was answered before it was asked for, and nothing later.
func TestTheBalanceIsOfAMoment(t *testing.T) {
	b := newTestTill(t, 9, 9)
	b.SetBalance(b.key, credits.Of(100), b.clock.Now())
	asked := b.clock.Now()
	b.want("there is enough for one", b.ask("a", "1"), buys)
	b.want("and for no other", b.ask("b", "2"), Verdict{Short: true})
	b.Answered(b.key, "1", true)
	b.SetBalance(b.key, credits.Of(100), asked)
	b.want("it was asked for before the answer", b.ask("b", "2"), Verdict{Short: true})
	b.SetBalance(b.key, credits.Of(1000), asked.Add(-time.Second))
	b.want("an older balance says nothing", b.ask("b", "2"), Verdict{Short: true})
	b.pass(time.Second)
	b.SetBalance(b.key, credits.Of(100), b.clock.Now())
	b.wantTurns("it was asked for after the answer", "b")
}

// Where the limit was lowered, one that leaves the window is not enough.
func TestALoweredLimitOpensLater(t *testing.T) {
	b := newTestTill(t, 3, 9)
	for _, name := range []string{"a", "b", "c"} {
		b.want(name, b.ask(name, name), buys)
		b.Answered(b.key, name, true)
		b.pass(time.Second)
	}
	b.limit(2, 9)
	b.show("d", on(paidBy))
	b.wantAgain("a and b have to leave it", b.wantTurns("three were sent, and two may be"), 8*time.Second)
}

// An account that cannot buy tells nobody, and those who may first when it can.
func TestAClosedAccountTellsNobody(t *testing.T) {
	b := newTestTill(t, 1, 9)
	b.account.Status.Conditions = nil
	b.UpdateAccount(b.account)
	b.show("a", on(paidBy))
	b.show("b", on(paidBy))
	if again := b.wantTurns("it is not ready"); !again.IsZero() {
		t.Errorf("Turns is to be asked again at %s", again)
	}
	b.limit(1, 9)
	b.wantTurns("it is ready", "a")
	b.Refuse(b.key, kie.RateLimited, "key", time.Minute)
	b.wantAgain("it passes", b.wantTurns("KIE.AI refuses"), time.Minute)
	b.want("it is refused", b.ask("a", "1", on(paidBy)), Verdict{Refused: kie.RateLimited, RetryAfter: time.Minute})
	b.wantAgain("it passes", b.wantTurns("it is refused"), time.Minute)
	b.pass(time.Minute)
	b.wantTurns("it has passed", "a")
	b.Refuse(b.key, kie.Unauthorized, "key", time.Minute)
	b.want("it is refused", b.ask("a", "1", on(paidBy)), Verdict{Refused: kie.Unauthorized, RetryAfter: time.Minute})
	b.pass(time.Hour)
	b.wantTurns("that does not pass")
	b.Allow(b.key, true)
	b.wantTurns("it is over", "a")
}

// What is held back is out of the way, and told when it may try again.
func TestWhatIsHeldBackIsToldWhenItMayTry(t *testing.T) {
	b := newTestTill(t, 1, 9)
	b.show("a", on(paidBy))
	b.show("b", on(paidBy))
	hold := state.Wait{Reason: v1alpha1.ReasonBudgetExhausted, RetryAfter: time.Hour}
	b.Hold(b.account, "uid-of-a", hold)
	b.wantTurns("a is held", "b")
	if v := b.ask("a", "1", on(paidBy)); v.Admitted || v.Held == nil || *v.Held != hold || v.RetryAfter != time.Hour {
		t.Errorf("the verdict on a is %+v, want it held for an hour", v)
	}
	b.Reopen(b.key, v1alpha1.ReasonBudgetExhausted)
	b.wantTurns("a is first again", "a")
	b.Defer(b.key, "uid-of-a", kie.RateLimited, time.Minute)
	b.wantTurns("it was refused", "b")
	b.StepAside("uid-of-b")
	b.wantAgain("a may try again", b.wantTurns("b cannot"), time.Minute)
	b.show("b", on(paidBy))
	b.pass(time.Minute)
	b.wantTurns("its time is over", "a")
}

// The purchases of an earlier process count, also after their resources are gone.
func TestARebuiltTillKnowsWhatWasSent(t *testing.T) {
	b := newTestTill(t, 2, 9)
	var all []v1alpha1.VideoGeneration
	for _, vg := range []*v1alpha1.VideoGeneration{
		fixture.Video("runs", bought(v1alpha1.TaskRunning, "1")),
		fixture.Video("finished", bought(v1alpha1.TaskSucceeded, "2")),
		fixture.Video("adopted", bought(v1alpha1.TaskRunning, "3", adopted)),
		fixture.Video("waits", on(paidBy)),
	} {
		all = append(all, *vg)
	}
	b.show("gone", on(paidBy), fixture.Created(fixture.Epoch.Add(-time.Hour)))
	for range 3 {
		b.Rebuild(all)
		b.Remove("uid-of-finished")
		const counts = 31 * time.Second
		b.want("two were sent", b.ask("waits", "4", on(paidBy)), fullFor(counts))
		if inFlight, waiting := b.Counts(b.key); inFlight != 1 || waiting != 1 {
			t.Errorf("%d are in flight and %d wait, want one of each", inFlight, waiting)
		}
	}
	b.pass(31 * time.Second)
	b.wantTurns("both have left the window", "waits")
}

// The place of a resource, and how long the window alone makes it wait.
func TestPlaces(t *testing.T) {
	b := newTestTill(t, 2, 99)
	for i := range 6 {
		b.show(fmt.Sprint(i), on(paidBy), fixture.Created(fixture.Epoch.Add(time.Duration(i)*time.Second)))
	}
	for i := range 6 {
		got, ok := b.PlaceOf(b.key, types.UID(fmt.Sprint("uid-of-", i)))
		if want := (Place{Ahead: i, Of: 6, Wait: time.Duration(i/2) * 10 * time.Second}); !ok || got != want {
			t.Errorf("%d is at %+v, want %+v", i, got, want)
		}
	}
	if _, ok := b.PlaceOf(b.key, "nobody"); ok {
		t.Error("nobody has a place")
	}
}

// What is known of an account ends with it, and what resources show does not.
func TestAnAccountIsCreatedAgain(t *testing.T) {
	b := newTestTill(t, 1, 2)
	b.ask("a", "1")
	b.Answered(b.key, "1", true)
	b.show("runs", bought(v1alpha1.TaskRunning, "2"))
	b.show("waits", on(paidBy))
	b.Refuse(b.key, kie.Unauthorized, "key", time.Hour)
	b.account.UID = "another"
	b.UpdateAccount(b.account)
	if _, refused := b.Refused(b.key); refused {
		t.Error("what KIE.AI refused to the one before is refused to this one")
	}
	b.wantTurns("its window is empty, and one place in flight is taken", "waits")
	b.RemoveAccount(b.key)
	b.wantTurns("there is no account")
	for _, name := range []string{"a", "runs", "waits"} {
		b.Remove(types.UID("uid-of-" + name))
	}
	b.RemoveAccount(b.key)
	if n := b.Accounts(); n > 0 {
		t.Errorf("%d accounts are remembered, and there is none", n)
	}
}

// What counts no more is forgotten: the books do not grow with what is finished.
func TestTheTillForgets(t *testing.T) {
	b := newTestTill(t, 1000, 1000)
	b.SetBalance(b.key, credits.Of(1_000_000), b.clock.Now())
	most := 0
	for i := range 5000 {
		name, attempt := fmt.Sprintf("video-%d", i), fmt.Sprintf("attempt-%d", i)
		b.want(name, b.ask(name, attempt), buys)
		b.Answered(b.key, attempt, i%3 > 0)
		switch i % 3 {
		case 0: // refused
			b.show(name, bought(v1alpha1.TaskFailed, attempt, failedFor(v1alpha1.ReasonContentRejected)))
		case 1: // deleted
			b.Remove(types.UID("uid-of-" + name))
		default: // finished
			b.show(name, bought(v1alpha1.TaskSucceeded, attempt))
		}
		if i%10 == 0 {
			b.SetBalance(b.key, credits.Of(1_000_000), b.clock.Now())
		}
		b.pass(time.Second)
		b.Turns()
		book := b.books[b.key].book
		most = max(most, len(book.requests)+len(book.records)+book.purse.answered.len()+book.line.len()+len(book.line.namespaces), len(b.sightings)-int(rememberedFor/time.Second))
	}
	if most > 60 {
		t.Errorf("%d things were remembered at a time, of which at most 31 counted", most)
	}
}

// Several reconciles, the watches and the one that wakes them use the till at a time.
func TestManyUseTheTillAtATime(t *testing.T) {
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	till := NewTill(clk)
	var all []v1alpha1.AccountIdentity
	for i := range 4 {
		all = append(all, fixture.Identity("films", fmt.Sprint("account-", i)))
	}
	lim := limits{submissions: 5, window: time.Second, inFlight: 5}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 200 {
				name, attempt := fmt.Sprintf("video-%d-%d", worker, i), fmt.Sprintf("attempt-%d-%d", worker, i)
				from, to := all[i%4], all[(i+worker)%4]
				vg := fixture.Video(name, on(from), refersTo("films", from.Name))
				till.Update(vg)
				till.Reserve(from.Key(), lim, vg, credits.Of(60), attempt)
				till.Answered(from.Key(), attempt, true)
				till.Reserve(to.Key(), lim, vg, credits.Of(60), attempt+"-again")
				till.Defer(to.Key(), vg.UID, kie.RateLimited, time.Second)
				till.Turns()
				till.Release(to.Key(), attempt+"-again")
				till.StepAside(vg.UID)
				till.PlaceOf(to.Key(), vg.UID)
				till.Remove(vg.UID)
			}
		})
	}
	workers.Wait()
	clk.SetTime(fixture.Epoch.Add(time.Hour))
	till.Turns()
	for _, account := range all {
		if inFlight, waiting := till.Counts(account.Key()); inFlight != 0 || waiting != 0 {
			t.Errorf("%s: %d are in flight and %d wait, and all are gone", account, inFlight, waiting)
		}
		if n := len(till.books[account.Key()].book.records); n > 0 {
			t.Errorf("%s remembers %d resources, and there are none", account, n)
		}
	}
}
