// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// queueOfAges is a queue of candidates a, b, c and so on, each so many seconds
// younger than the epoch.
func queueOfAges(ages ...int) []candidate {
	var queue []candidate
	for i, age := range ages {
		name := string(rune('a' + i))
		queue = append(queue, candidate{uid: types.UID(name), created: fixture.Epoch.Add(-time.Duration(age) * time.Second), name: types.NamespacedName{Namespace: "films", Name: name}})
	}
	return queue
}

func TestAdmit(t *testing.T) {
	now := fixture.Epoch
	in := now.Add
	two := limits{submissions: 2, window: 10 * time.Second, inFlight: 3}
	for _, tt := range []struct {
		reason      string
		limits      limits
		commitments commitments
		queue       []candidate
		me          types.UID
		want        Verdict
	}{
		{
			reason: "alone on an idle account, it buys",
			limits: two, queue: queueOfAges(1), me: "a", want: Verdict{Admitted: true},
		},
		{
			reason: "the oldest buys",
			limits: limits{submissions: 1, window: time.Second, inFlight: 1}, queue: queueOfAges(1, 3, 2), me: "b", want: Verdict{Admitted: true},
		},
		{
			reason: "there is room for the second too",
			limits: two, queue: queueOfAges(1, 3, 2), me: "c", want: Verdict{Admitted: true},
		},
		{
			reason: "of the same age, the first by name buys",
			limits: limits{submissions: 1, window: time.Second, inFlight: 1}, queue: queueOfAges(1, 1), me: "a", want: Verdict{Admitted: true},
		},
		{
			reason: "of the same age, the last by name waits; nobody can say for how long a video is in flight",
			limits: limits{submissions: 2, window: time.Second, inFlight: 1}, queue: queueOfAges(1, 1), me: "b", want: Verdict{},
		},
		{
			reason: "one place in flight is left",
			limits: two, commitments: commitments{inFlight: 2}, queue: queueOfAges(1), me: "a", want: Verdict{Admitted: true},
		},
		{
			reason: "no place in flight is left",
			limits: two, commitments: commitments{inFlight: 3}, queue: queueOfAges(1), me: "a", want: Verdict{},
		},
		{
			reason: "the one place in flight is for the older one",
			limits: two, commitments: commitments{inFlight: 2}, queue: queueOfAges(1, 2), me: "a", want: Verdict{},
		},
		{
			reason: "one place in the window is left",
			limits: two, commitments: commitments{occupiedUntil: []time.Time{in(time.Second)}}, queue: queueOfAges(1), me: "a", want: Verdict{Admitted: true},
		},
		{
			reason: "the window is full until the first end",
			limits: two, commitments: commitments{occupiedUntil: []time.Time{in(4 * time.Second), in(3 * time.Second)}}, queue: queueOfAges(1), me: "a",
			want: Verdict{ByWindow: true, RetryAfter: 3 * time.Second},
		},
		{
			reason: "the first end is for the older one, the second for me",
			limits: two, commitments: commitments{occupiedUntil: []time.Time{in(4 * time.Second), in(3 * time.Second)}}, queue: queueOfAges(1, 2), me: "a",
			want: Verdict{ByWindow: true, RetryAfter: 4 * time.Second},
		},
		{
			reason: "the free place is for the older one, the end for me",
			limits: two, commitments: commitments{occupiedUntil: []time.Time{in(4 * time.Second)}}, queue: queueOfAges(1, 2), me: "a",
			want: Verdict{ByWindow: true, RetryAfter: 4 * time.Second},
		},
		{
			reason: "behind a full round, the wait is one window longer",
			limits: limits{submissions: 2, window: 10 * time.Second, inFlight: 100}, commitments: commitments{occupiedUntil: []time.Time{in(4 * time.Second), in(3 * time.Second)}},
			queue: queueOfAges(4, 3, 2, 1), me: "d", want: Verdict{ByWindow: true, RetryAfter: 14 * time.Second},
		},
		{
			reason: "a purchase that has just left the window does not count",
			limits: limits{submissions: 1, window: time.Second, inFlight: 1}, commitments: commitments{occupiedUntil: []time.Time{now}}, queue: queueOfAges(1), me: "a",
			want: Verdict{Admitted: true},
		},
		{
			reason: "a purchase that leaves the window in a moment counts",
			limits: limits{submissions: 1, window: time.Second, inFlight: 1}, commitments: commitments{occupiedUntil: []time.Time{in(time.Nanosecond)}}, queue: queueOfAges(1), me: "a",
			want: Verdict{ByWindow: true, RetryAfter: time.Nanosecond},
		},
		{
			reason: "both are full: no end of the window helps before a video is finished",
			limits: limits{submissions: 1, window: time.Second, inFlight: 1}, commitments: commitments{inFlight: 1, occupiedUntil: []time.Time{in(time.Second)}}, queue: queueOfAges(1), me: "a",
			want: Verdict{},
		},
		{
			reason: "the limit in flight was lowered below what is in flight",
			limits: limits{submissions: 9, window: time.Second, inFlight: 1}, commitments: commitments{inFlight: 5}, queue: queueOfAges(1), me: "a", want: Verdict{},
		},
		{
			reason: "the limit of submissions was lowered: enough have to leave the window first",
			limits: limits{submissions: 2, window: 10 * time.Second, inFlight: 9}, queue: queueOfAges(1), me: "a",
			commitments: commitments{occupiedUntil: []time.Time{in(5 * time.Second), in(time.Second), in(4 * time.Second), in(2 * time.Second), in(3 * time.Second)}},
			want:        Verdict{ByWindow: true, RetryAfter: 4 * time.Second},
		},
		{
			reason: "the limit of submissions was lowered, and another one is ahead",
			limits: limits{submissions: 2, window: 10 * time.Second, inFlight: 9}, queue: queueOfAges(1, 2), me: "a",
			commitments: commitments{occupiedUntil: []time.Time{in(5 * time.Second), in(time.Second), in(4 * time.Second), in(2 * time.Second), in(3 * time.Second)}},
			want:        Verdict{ByWindow: true, RetryAfter: 5 * time.Second},
		},
		{
			reason: "a limit was raised",
			limits: limits{submissions: 6, window: 10 * time.Second, inFlight: 9}, queue: queueOfAges(1), me: "a",
			commitments: commitments{inFlight: 5, occupiedUntil: []time.Time{in(1), in(2), in(3), in(4), in(5)}}, want: Verdict{Admitted: true},
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			given := commitments{inFlight: tt.commitments.inFlight, occupiedUntil: slices.Clone(tt.commitments.occupiedUntil)}
			got := admit(now, tt.limits, tt.commitments, tt.queue, tt.me)
			if got != tt.want {
				t.Errorf("the verdict is %+v, want %+v", got, tt.want)
			}
			if diff := cmp.Diff(given, tt.commitments, cmp.AllowUnexported(commitments{})); diff != "" {
				t.Errorf("the commitments were changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestQueueOf(t *testing.T) {
	suspend := true
	running := fixture.Video("running", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)))
	held := fixture.Video("held", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = &suspend })
	view := []v1alpha1.VideoGeneration{*fixture.Video("old"), *running, *held, *fixture.Video("me"), *fixture.Video("young")}
	names := func(queue []candidate) (names []string) {
		for _, c := range queue {
			names = append(names, c.name.Name)
		}
		slices.Sort(names)
		return names
	}
	for _, tt := range []struct {
		reason string
		view   []v1alpha1.VideoGeneration
		me     *v1alpha1.VideoGeneration
		want   []string
	}{
		{"those that wait, and me once", view, fixture.Video("me"), []string{"me", "old", "young"}},
		{"the cache does not show me yet", view, fixture.Video("new"), []string{"me", "new", "old", "young"}},
		{"what the cache shows of me does not matter", view, fixture.Video("held"), []string{"held", "me", "old", "young"}},
		{"nobody else", nil, fixture.Video("me"), []string{"me"}},
	} {
		if diff := cmp.Diff(tt.want, names(queueOf(tt.view, tt.me))); diff != "" {
			t.Errorf("%s: the queue (-want +got):\n%s", tt.reason, diff)
		}
	}
}

func TestFirstInQueue(t *testing.T) {
	view := []v1alpha1.VideoGeneration{
		*fixture.Video("c", fixture.Created(fixture.Epoch)),
		*fixture.Video("bought", fixture.Created(fixture.Epoch.Add(-time.Hour)), fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))),
		*fixture.Video("b", fixture.Created(fixture.Epoch)),
		*fixture.Video("oldest", fixture.Created(fixture.Epoch.Add(-time.Minute))),
		*fixture.Video("youngest", fixture.Created(fixture.Epoch.Add(time.Minute))),
	}
	before := slices.Clone(view)
	for _, tt := range []struct {
		reason string
		view   []v1alpha1.VideoGeneration
		n      int
		want   []string
	}{
		{"nobody is asked for", view, 0, nil},
		{"the oldest", view, 1, []string{"oldest"}},
		{"ties go by name", view, 3, []string{"oldest", "b", "c"}},
		{"there are fewer than asked for", view, 9, []string{"oldest", "b", "c", "youngest"}},
		{"nobody waits", nil, 5, nil},
	} {
		var got []string
		for _, name := range FirstInQueue(tt.view, tt.n) {
			got = append(got, name.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: first in the queue (-want +got):\n%s", tt.reason, diff)
		}
	}
	if diff := cmp.Diff(before, view); diff != "" {
		t.Errorf("the view was changed (-before +after):\n%s", diff)
	}
}

// simulation is an account at KIE.AI, resources that are created and removed at
// random, and an operator that dies now and then. The resources survive; the ledger
// does not.
type simulation struct {
	clock  *clocktesting.FakePassiveClock
	limits limits
	ledger *Ledger

	// live are the resources, cached is what the operator sees of them.
	live, cached map[types.UID]*v1alpha1.VideoGeneration
	// calls are the requests of all processes that are on their way.
	calls []*call
	// arrivals are the requests that KIE.AI got.
	arrivals []arrival
	// running are the attempts that KIE.AI works on.
	running map[string]types.UID
	// life counts the processes.
	life int
	// created and attempts count the resources and the attempts to buy.
	created, attempts int
	// bought are the attempts of this process.
	bought map[string]bool
}

// call is one request to buy.
type call struct {
	uid     types.UID
	attempt string
	// arrives is when KIE.AI gets it, answered when the operator hears of that; arrives is zero once it is over.
	arrives, answered time.Time
	life              int
}

// arrival is the moment in which KIE.AI got a request.
type arrival struct {
	attempt string
	at      time.Time
}

var bazaarAccount = types.NamespacedName{Namespace: "films", Name: v1alpha1.DefaultAccountName}

func newBazaar(t *rapid.T) *simulation {
	b := &simulation{
		clock: clocktesting.NewFakePassiveClock(fixture.Epoch.Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "milliseconds")) * time.Millisecond)),
		limits: limits{
			submissions: rapid.IntRange(1, 4).Draw(t, "submissions"),
			window:      time.Duration(rapid.IntRange(1, 30).Draw(t, "window")) * time.Second,
			inFlight:    rapid.IntRange(1, 6).Draw(t, "in flight"),
		},
		live: map[types.UID]*v1alpha1.VideoGeneration{}, cached: map[types.UID]*v1alpha1.VideoGeneration{}, running: map[string]types.UID{},
	}
	b.die()
	return b
}

// create adds a resource. Names say nothing of the age.
func (b *simulation) create(t *rapid.T) {
	name := fmt.Sprintf("%c-%d", rapid.SampledFrom([]rune("abc")).Draw(t, "initial"), b.created)
	b.created++
	vg := fixture.Video(name, fixture.Created(b.clock.Now().Truncate(time.Second)))
	b.live[vg.UID] = vg
	b.seeSome(t, vg.UID)
}

// seeSome brings the cache of a resource up to date, or leaves that for later.
func (b *simulation) seeSome(t *rapid.T, uid types.UID) {
	if rapid.Bool().Draw(t, "seen at once") {
		b.cached[uid] = b.live[uid].DeepCopy()
	}
}

// seeAll brings the whole cache up to date.
func (b *simulation) seeAll() {
	clear(b.cached)
	for uid, vg := range b.live {
		b.cached[uid] = vg.DeepCopy()
	}
}

// die ends the process. What it has sent may arrive all the same. Of a purchase
// that no resource shows any more, only the process that made it knew.
func (b *simulation) die() {
	b.life++
	b.bought = map[string]bool{}
	b.ledger = NewLedger(b.clock)
	b.seeAll()
	shown := map[string]bool{}
	for _, vg := range b.live {
		if vg.Status.Task != nil {
			shown[vg.Status.Task.Attempt] = true
		}
	}
	b.arrivals = slices.DeleteFunc(b.arrivals, func(a arrival) bool { return !shown[a.attempt] })
	b.calls = slices.DeleteFunc(b.calls, func(c *call) bool { return !shown[c.attempt] })
	maps.DeleteFunc(b.running, func(attempt string, _ types.UID) bool { return !shown[attempt] })
}

// view lists what the operator sees.
func (b *simulation) view() []v1alpha1.VideoGeneration {
	var view []v1alpha1.VideoGeneration
	for _, uid := range slices.Sorted(maps.Keys(b.cached)) {
		view = append(view, *b.cached[uid])
	}
	return view
}

// those lists resources in the order of the queue.
func those(resources map[types.UID]*v1alpha1.VideoGeneration, which func(*v1alpha1.VideoGeneration) bool) []*v1alpha1.VideoGeneration {
	list := slices.DeleteFunc(slices.Collect(maps.Values(resources)), func(vg *v1alpha1.VideoGeneration) bool { return !which(vg) })
	slices.SortFunc(list, func(x, y *v1alpha1.VideoGeneration) int { return byAge(candidateOf(x), candidateOf(y)) })
	return list
}

// queue lists the resources that wait, as far as the operator sees, the oldest
// first. One reconcile at a time looks at a resource.
func (b *simulation) queue() []*v1alpha1.VideoGeneration {
	return those(b.cached, func(vg *v1alpha1.VideoGeneration) bool { return state.IsQueued(vg) && !b.called(vg.UID) })
}

// called reports whether a request for the resource is on its way in this life.
func (b *simulation) called(uid types.UID) bool {
	return slices.ContainsFunc(b.calls, func(c *call) bool { return c.uid == uid && c.life == b.life })
}

// look takes a resource as far as it can go now. What the operator sees of the
// others may be stale.
func (b *simulation) look(t *rapid.T, seen *v1alpha1.VideoGeneration) {
	seen = b.live[seen.UID].DeepCopy()
	b.cached[seen.UID] = seen
	if !state.IsQueued(seen) {
		return
	}
	b.attempts++
	attempt := fmt.Sprintf("attempt-%d", b.attempts)
	if !b.ledger.Reserve(bazaarAccount, b.limits, b.view(), seen.DeepCopy(), credits.Of(60), attempt).Admitted {
		return
	}
	vg := b.live[seen.UID]
	if rapid.IntRange(0, 9).Draw(t, "refused for another reason") == 9 {
		b.ledger.Release(bazaarAccount, attempt)
		return
	}
	now := b.clock.Now()
	vg.Status.Task = &v1alpha1.Task{Attempt: attempt, Number: 1, SubmittedAt: metav1.NewTime(now).Rfc3339Copy(), State: v1alpha1.TaskSubmitting}
	b.bought[attempt] = true
	b.seeSome(t, vg.UID)
	answered := rapid.OneOf(rapid.Just(int64(SubmitTimeout)), rapid.Int64Range(0, int64(SubmitTimeout))).Draw(t, "answered after")
	b.calls = append(b.calls, &call{
		uid: vg.UID, attempt: attempt, life: b.life, answered: now.Add(time.Duration(answered)),
		arrives: now.Add(time.Duration(rapid.OneOf(rapid.Just(answered), rapid.Int64Range(0, answered)).Draw(t, "arrives after"))),
	})
}

// pass lets time pass, and everything happen in its order.
func (b *simulation) pass(t *rapid.T, d time.Duration) {
	end := b.clock.Now().Add(d)
	for {
		next, at := (*call)(nil), end
		for _, c := range b.calls {
			due := c.arrives
			if due.IsZero() {
				due = c.answered
			}
			if !due.After(at) {
				next, at = c, due
			}
		}
		b.clock.SetTime(at)
		if next == nil {
			return
		}
		if next.arrives.IsZero() {
			b.answer(t, next)
		} else {
			b.arrive(t, next)
		}
	}
}

// arrive is the moment in which KIE.AI gets a request.
func (b *simulation) arrive(t *rapid.T, c *call) {
	c.arrives = time.Time{}
	if c.life != b.life && rapid.Bool().Draw(t, "died with the process") {
		return
	}
	b.arrivals = append(b.arrivals, arrival{attempt: c.attempt, at: b.clock.Now()})
	if vg := b.live[c.uid]; c.life == b.life || (vg != nil && vg.Status.Task.Attempt == c.attempt) {
		b.running[c.attempt] = c.uid
	}
}

// answer is the moment in which the operator hears of it, if it lives.
func (b *simulation) answer(t *rapid.T, c *call) {
	b.calls = slices.DeleteFunc(b.calls, func(have *call) bool { return have == c })
	if c.life != b.life {
		return
	}
	b.ledger.Answered(bazaarAccount, c.attempt, true)
	vg := b.live[c.uid]
	if vg == nil {
		b.forget(c.uid)
		return
	}
	vg.Status.Task.ID, vg.Status.Task.State = "task-of-"+c.attempt, v1alpha1.TaskRunning
	b.seeSome(t, c.uid)
}

// settle is the moment in which the operator learns the end of a task, by
// callback, by asking, or because it gave a lost purchase up.
func (b *simulation) settle(t *rapid.T, vg *v1alpha1.VideoGeneration) {
	task := vg.Status.Task
	delete(b.running, task.Attempt)
	task.ID = "task-of-" + task.Attempt
	task.State = v1alpha1.TaskSucceeded
	b.seeSome(t, vg.UID)
}

// unsettled lists the resources whose task may end now.
func (b *simulation) unsettled() []*v1alpha1.VideoGeneration {
	return those(b.live, func(vg *v1alpha1.VideoGeneration) bool {
		return state.InFlight(vg.Status.Task) && !slices.ContainsFunc(b.calls, func(c *call) bool { return c.uid == vg.UID })
	})
}

// remove is a user who no longer wants a video. A reconcile that looks at it
// comes to its end first.
func (b *simulation) remove(vg *v1alpha1.VideoGeneration) {
	delete(b.live, vg.UID)
	delete(b.cached, vg.UID)
	if !b.called(vg.UID) {
		b.forget(vg.UID)
	}
}

// forget is what the operator does about a resource that is gone. Its video no
// longer counts as in flight.
func (b *simulation) forget(uid types.UID) {
	b.ledger.Forget(uid)
	maps.DeleteFunc(b.running, func(_ string, owner types.UID) bool { return owner == uid })
}

// check asserts what the limits of the account promise.
func (b *simulation) check(t *rapid.T) {
	if len(b.running) > b.limits.inFlight {
		t.Fatalf("%d videos are in flight, %d are allowed", len(b.running), b.limits.inFlight)
	}
	for i := b.limits.submissions; i < len(b.arrivals); i++ {
		if stretch := b.arrivals[i].at.Sub(b.arrivals[i-b.limits.submissions].at); stretch < b.limits.window {
			t.Fatalf("%d requests arrived within %s, %d are allowed within %s", b.limits.submissions+1, stretch, b.limits.submissions, b.limits.window)
		}
	}
}

// one draws one of the resources, if there is any, and does something with it.
func one(t *rapid.T, of []*v1alpha1.VideoGeneration, do func(*v1alpha1.VideoGeneration)) {
	if len(of) > 0 {
		do(of[rapid.IntRange(0, len(of)-1).Draw(t, "resource")])
	}
}

// Whatever is created when, however long requests take, and whenever the
// process dies: no stretch of the length of the window has more arrivals at
// KIE.AI than allowed, no more videos are in flight than allowed, and everybody's
// turn comes.
func TestAdmissionKeepsTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBazaar(t)
		t.Repeat(map[string]func(*rapid.T){
			"":       b.check,
			"create": b.create,
			"look":   func(t *rapid.T) { one(t, b.queue(), func(vg *v1alpha1.VideoGeneration) { b.look(t, vg) }) },
			"settle": func(t *rapid.T) {
				one(t, b.unsettled(), func(vg *v1alpha1.VideoGeneration) { b.settle(t, vg) })
			},
			"remove": func(t *rapid.T) {
				own := those(b.live, func(vg *v1alpha1.VideoGeneration) bool {
					return vg.Status.Task == nil || b.bought[vg.Status.Task.Attempt]
				})
				one(t, own, b.remove)
			},
			"pass": func(t *rapid.T) {
				b.pass(t, time.Duration(rapid.IntRange(0, 15_000).Draw(t, "milliseconds"))*time.Millisecond)
			},
			"see": func(*rapid.T) { b.seeAll() },
			"die": func(*rapid.T) { b.die() },
		})

		// From now on nothing new comes and all goes well: everybody's turn comes.
		b.seeAll()
		round := SubmitTimeout + b.limits.window + time.Second
		for rounds := 2 + 3*len(b.queue()); len(b.queue()) > 0; rounds-- {
			if rounds == 0 {
				t.Fatalf("%d still wait, %s first", len(b.queue()), b.queue()[0].Name)
			}
			for range b.queue() {
				// The oldest come first, as they are woken; the others look by themselves, in any order.
				one(t, b.queue(), func(vg *v1alpha1.VideoGeneration) { b.look(t, vg) })
				b.seeAll()
			}
			for _, vg := range b.queue()[:min(5, len(b.queue()))] {
				b.look(t, vg)
				b.seeAll()
			}
			b.pass(t, round)
			for _, vg := range b.unsettled() {
				b.settle(t, vg)
			}
			b.seeAll()
			b.check(t)
		}
	})
}
