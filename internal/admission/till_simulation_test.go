// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// shop is an account at KIE.AI, resources that want to buy there, and an operator that
// looks at a resource when it is created, when the till says that it is its turn, and
// never for any other reason.
type shop struct {
	clock   *clocktesting.FakePassiveClock
	till    *Till
	account *v1alpha1.KieAccount
	limits  limits
	live    map[types.UID]*v1alpha1.VideoGeneration
	// due is what happens later.
	due     []happening
	version int
	created int
	life    int
	// sent are the attempts that were sent and by whom, without those of resources that were gone when a process
	// began: it cannot know of them.
	sent map[string]types.UID
	// arrivals are the requests that KIE.AI got, and running the resources that it works for.
	arrivals []arrival
	running  map[types.UID]bool
	// lost are those whose reconcile never came back in this life.
	lost map[types.UID]bool
}

type happening struct {
	at time.Time
	do func()
}

func newShop(t *rapid.T) *shop {
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	s := &shop{clock: clk, live: map[types.UID]*v1alpha1.VideoGeneration{}, running: map[types.UID]bool{}, sent: map[string]types.UID{},
		account: &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "films", Name: v1alpha1.DefaultAccountName, UID: "uid-of-default", Generation: 1}}}
	s.account.Spec.Limits.Submissions = int32(rapid.IntRange(1, 4).Draw(t, "submissions"))
	s.account.Spec.Limits.Window.Duration = time.Duration(rapid.IntRange(1, 30).Draw(t, "window")) * time.Second
	s.account.Spec.Limits.InFlight = int32(rapid.IntRange(1, 6).Draw(t, "in flight"))
	s.account.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
	s.limits = LimitsOf(s.account, nil)
	s.start()
	return s
}

// start begins another process, which knows what the resources show.
func (s *shop) start() {
	s.life++
	maps.DeleteFunc(s.sent, func(_ string, uid types.UID) bool { return s.live[uid] == nil })
	s.arrivals = slices.DeleteFunc(s.arrivals, func(a arrival) bool { return s.sent[a.attempt] == "" })
	s.lost = map[types.UID]bool{}
	s.till = NewTill(s.clock)
	s.till.UpdateAccount(s.account)
	var all []v1alpha1.VideoGeneration
	for _, vg := range s.live {
		all = append(all, *vg.DeepCopy())
	}
	s.till.Rebuild(all)
}

func (s *shop) later(d time.Duration, do func()) {
	s.due = append(s.due, happening{at: s.clock.Now().Add(d), do: do})
}

// write stores a resource. The till sees it a moment later.
func (s *shop) write(vg *v1alpha1.VideoGeneration, delay time.Duration) {
	s.version++
	vg.ResourceVersion = strconv.Itoa(s.version)
	seen, life := vg.DeepCopy(), s.life
	s.later(delay, func() {
		if s.life == life && s.live[seen.UID] != nil {
			s.till.Update(seen)
		}
	})
}

func (s *shop) delay(t *rapid.T) time.Duration {
	return time.Duration(rapid.IntRange(0, 2000).Draw(t, "event after")) * time.Millisecond
}

func (s *shop) create(t *rapid.T) {
	s.created++
	vg := fixture.Video(fmt.Sprintf("%02d", s.created), fixture.Created(s.clock.Now().Truncate(time.Second)))
	vg.Namespace = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "namespace")
	s.live[vg.UID] = vg
	s.look(t, vg.UID) // as the watch of a controller makes it do
	vg.Status.Account = v1alpha1.IdentityOf(s.account)
	s.write(vg, s.delay(t))
}

// look is a reconcile of a resource that may want to buy.
func (s *shop) look(t *rapid.T, uid types.UID) {
	vg := s.live[uid]
	if vg == nil || !state.NeedsPurchase(vg) || state.IsSuspended(vg) {
		return
	}
	s.created++
	attempt := fmt.Sprintf("attempt-%d", s.created)
	if !s.till.Reserve(bazaarAccount, s.limits, vg, credits.Of(60), attempt).Admitted {
		return
	}
	if rapid.IntRange(0, 9).Draw(t, "no key") == 9 {
		s.till.Release(bazaarAccount, attempt)
		if rapid.Bool().Draw(t, "forgotten") {
			s.lost[uid] = true // this reconcile never comes back: the others go on after turnLasts
			return
		}
		life := s.life
		s.later(s.delay(t), func() {
			if s.life == life {
				s.look(t, uid)
			}
		})
		return
	}
	now := s.clock.Now()
	vg.Status.Account = v1alpha1.IdentityOf(s.account)
	vg.Status.Task = &v1alpha1.Task{Attempt: attempt, Number: 1, SubmittedAt: metav1.NewTime(now).Rfc3339Copy(), State: v1alpha1.TaskSubmitting, Account: vg.Status.Account}
	s.sent[attempt] = uid
	s.write(vg, s.delay(t))
	s.send(t, vg, attempt)
}

// send is a request to buy: it arrives at KIE.AI, is answered, and the task ends.
func (s *shop) send(t *rapid.T, vg *v1alpha1.VideoGeneration, attempt string) {
	answer := time.Duration(rapid.Int64Range(0, int64(SubmitTimeout)).Draw(t, "answered after"))
	life, refused := s.life, rapid.IntRange(0, 5).Draw(t, "refused") == 0
	s.later(time.Duration(rapid.Int64Range(0, int64(answer)).Draw(t, "arrives after")), func() {
		if s.sent[attempt] != "" {
			s.arrivals = append(s.arrivals, arrival{attempt: attempt, at: s.clock.Now()})
		}
		if s.live[vg.UID] != nil && !refused {
			s.running[vg.UID] = true
		}
	})
	s.later(answer, func() {
		if s.life == life {
			s.till.Answered(bazaarAccount, attempt, !refused)
		}
		if s.live[vg.UID] == nil {
			return
		}
		vg.Status.Task.State, vg.Status.Task.ID = v1alpha1.TaskRunning, "task-of-"+attempt
		end := time.Duration(rapid.IntRange(0, 60).Draw(t, "made after")) * time.Second
		if refused {
			end = 0
		}
		s.write(vg, s.delay(t))
		s.later(end, func() {
			delete(s.running, vg.UID)
			vg.Status.Task.State = v1alpha1.TaskSucceeded
			s.write(vg, s.delay(t))
		})
	})
}

// pass lets time pass until an end, and everything happen in its order.
func (s *shop) pass(t *rapid.T, end time.Time) {
	for {
		names, again := s.till.Turns()
		for _, name := range names {
			s.look(t, types.UID("uid-of-"+name.Name))
		}
		if len(names) > 0 {
			continue
		}
		at := end
		if !again.IsZero() && again.Before(at) {
			at = again
		}
		next := -1
		for i, h := range s.due {
			if !h.at.After(at) && (next < 0 || h.at.Before(s.due[next].at)) {
				next = i
			}
		}
		if next >= 0 {
			at = s.due[next].at
		}
		s.clock.SetTime(at)
		if next >= 0 {
			do := s.due[next].do
			s.due = slices.Delete(s.due, next, next+1)
			do()
		} else if at.Equal(end) {
			return
		}
	}
}

func (s *shop) remove(uid types.UID) {
	delete(s.live, uid)
	delete(s.running, uid)
	s.till.Remove(uid)
}

// check asserts what the limits of the account promise.
func (s *shop) check(t *rapid.T) {
	if len(s.running) > s.limits.inFlight {
		t.Fatalf("%d videos are in flight, %d are allowed", len(s.running), s.limits.inFlight)
	}
	for i := s.limits.submissions; i < len(s.arrivals); i++ {
		if stretch := s.arrivals[i].at.Sub(s.arrivals[i-s.limits.submissions].at); stretch < s.limits.window {
			t.Fatalf("%d requests arrived within %s, %d are allowed within %s", s.limits.submissions+1, stretch, s.limits.submissions, s.limits.window)
		}
	}
}

// Whatever is created when, however long requests take, however late events are, and
// whenever the process dies: the limits are kept, and everybody's turn comes, though
// nobody looks at a resource that was not told that it is its turn.
func TestTheTillKeepsTheLimitsAndWakesEverybody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newShop(t)
		uids := func() []types.UID { return slices.Sorted(maps.Keys(s.live)) }
		t.Repeat(map[string]func(*rapid.T){
			"":            s.check,
			"create":      s.create,
			"create more": s.create,
			"remove":      func(t *rapid.T) { pick(t, uids(), s.remove) },
			"pass": func(t *rapid.T) {
				s.pass(t, s.clock.Now().Add(time.Duration(rapid.IntRange(0, 15_000).Draw(t, "milliseconds"))*time.Millisecond))
			},
			"die": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					s.start()
				}
			},
		})
		s.pass(t, s.clock.Now().Add(6*time.Hour))
		s.check(t)
		unbought := 0
		for _, vg := range s.live {
			if vg.Status.Task != nil {
				continue
			}
			if unbought++; !s.lost[vg.UID] {
				t.Fatalf("%s was never bought", vg.Name)
			}
		}
		if inFlight, waiting := s.till.Counts(bazaarAccount); inFlight != 0 || waiting != unbought {
			t.Fatalf("%d are in flight and %d wait, and everything is finished but %d whose reconciles never came back", inFlight, waiting, unbought)
		}
	})
}
