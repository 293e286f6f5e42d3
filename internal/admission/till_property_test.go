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

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// counterpart drives a till and its oracle with the same events.
type counterpart struct {
	clock   *clocktesting.FakePassiveClock
	till    *Till
	oracle  *oracle
	account map[types.NamespacedName]*v1alpha1.KieAccount
	// live are the resources, versions all that they ever were.
	live     map[types.UID]*v1alpha1.VideoGeneration
	versions []*v1alpha1.VideoGeneration
	// pending are the requests without an answer.
	pending []pendingRequest
	// counter makes names, versions and attempts.
	counter int
	prices  []credits.Amount
}

type pendingRequest struct {
	account types.NamespacedName
	attempt string
	uid     types.UID
	begunAt time.Time
}

var propertyAccounts = []types.NamespacedName{{Namespace: "shared", Name: v1alpha1.DefaultAccountName}, {Namespace: "shared", Name: "other"}}

func newCounterpart(t *rapid.T) *counterpart {
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	c := &counterpart{
		clock: clk, till: NewTill(clk), oracle: newOracle(clk.Now, propertyAccounts...),
		account: map[types.NamespacedName]*v1alpha1.KieAccount{}, live: map[types.UID]*v1alpha1.VideoGeneration{},
		prices: []credits.Amount{credits.Of(60), credits.Of(250)},
	}
	for _, key := range propertyAccounts {
		account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: types.UID("uid-of-" + key.Name), Generation: 1}}
		account.Spec.Limits.Window.Duration = time.Duration(rapid.IntRange(1, 20).Draw(t, "window")) * time.Second
		account.Spec.Limits.Submissions, account.Spec.Limits.InFlight = 2, 3
		c.account[key] = account
	}
	return c
}

func (c *counterpart) next() int { c.counter++; return c.counter }

// pick draws one of the elements, if there is any.
func pick[T any](t *rapid.T, of []T, do func(T)) {
	if len(of) > 0 {
		do(of[rapid.IntRange(0, len(of)-1).Draw(t, "which")])
	}
}

func (c *counterpart) uids() []types.UID { return slices.Sorted(maps.Keys(c.live)) }

func (c *counterpart) create(t *rapid.T) {
	vg := fixture.Video(fmt.Sprintf("video-%02d", c.next()), fixture.Created(fixture.Epoch.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "age"))*time.Second)))
	vg.Namespace = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "namespace")
	vg.Spec.Resolution = rapid.SampledFrom([]v1alpha1.Resolution{"", v1alpha1.Resolution720p, v1alpha1.Resolution4K}).Draw(t, "resolution")
	vg.Spec.Model, vg.Spec.Retry.MaxAttempts = v1alpha1.ModelFast, 3
	if rapid.Bool().Draw(t, "looked at") {
		vg.Status.Account = v1alpha1.IdentityOf(c.account[propertyAccounts[0]])
	}
	c.write(t, vg)
}

// write stores a version of a resource, and lets the till see it, or not yet.
func (c *counterpart) write(t *rapid.T, vg *v1alpha1.VideoGeneration) {
	vg.ResourceVersion = strconv.Itoa(c.next())
	c.live[vg.UID] = vg
	c.versions = append(c.versions, vg)
	if rapid.IntRange(0, 3).Draw(t, "seen at once") > 0 {
		c.show(vg)
	}
}

func (c *counterpart) show(vg *v1alpha1.VideoGeneration) {
	c.till.Update(vg.DeepCopy())
	c.oracle.update(vg)
}

// replay shows a version again. What the till does not remember, an older version may
// bring back until the next event.
func (c *counterpart) replay(vg *v1alpha1.VideoGeneration) {
	if c.till.sightings[vg.UID] == nil && (c.oracle.gone[vg.UID] || isOlder(vg.ResourceVersion, c.oracle.version[vg.UID])) {
		return
	}
	c.show(vg)
}

// edit changes something of a resource, whether or not that can happen.
func (c *counterpart) edit(t *rapid.T, uid types.UID) {
	vg := c.live[uid].DeepCopy()
	key := rapid.SampledFrom(propertyAccounts).Draw(t, "account")
	task := vg.Status.Task
	switch rapid.SampledFrom([]string{"suspend", "priority", "delete", "reference", "account", "resubmit", "upgrade", "task", "task", "end", "end", "adopt", "lose", "lose", "own", "own", "own"}).Draw(t, "edit") {
	case "suspend":
		vg.Spec.Suspend = ptr.To(!state.IsSuspended(vg))
	case "priority":
		vg.Spec.Priority = ptr.To(int32(rapid.IntRange(-1, 1).Draw(t, "priority")))
	case "delete":
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			vg.DeletionTimestamp = ptr.To(metav1.NewTime(c.clock.Now()))
		}
	case "reference":
		vg.Spec.AccountRef = &v1alpha1.AccountReference{Namespace: key.Namespace, Name: key.Name}
	case "account":
		vg.Status.Account = v1alpha1.IdentityOf(c.account[key])
	case "resubmit":
		if task != nil {
			fixture.Resubmit(vg)
		}
	case "upgrade":
		vg.Status.Upgrade = rapid.SampledFrom([]*v1alpha1.Upgrade{nil, {State: v1alpha1.UpgradeRunning}, {State: v1alpha1.UpgradeSucceeded}}).Draw(t, "state")
	case "task": // of another process
		sent := c.clock.Now().Add(-time.Duration(rapid.IntRange(0, 50).Draw(t, "sent before")) * time.Second)
		vg.Status.Task = &v1alpha1.Task{Attempt: fmt.Sprintf("stranger-%d", c.next()), Number: 1, SubmittedAt: metav1.NewTime(sent), State: v1alpha1.TaskSubmitting}
		if rapid.Bool().Draw(t, "known account") {
			vg.Status.Task.Account = v1alpha1.IdentityOf(c.account[key])
		}
	case "end":
		if task != nil {
			task.State = rapid.SampledFrom([]v1alpha1.TaskState{v1alpha1.TaskRunning, v1alpha1.TaskSucceeded, v1alpha1.TaskFailed}).Draw(t, "state")
			task.ID = "task-of-" + task.Attempt
			task.Failure = &v1alpha1.TaskFailure{Reason: rapid.SampledFrom([]string{v1alpha1.ReasonGenerationFailed, v1alpha1.ReasonContentRejected}).Draw(t, "reason"), Code: ptr.To(int32(500))}
			vg.Status.Videos = []v1alpha1.Video{{Resolution: "720p"}}
		}
	case "adopt":
		if task != nil {
			fixture.Adopted(task)
		}
	case "lose": // and its user asks for it again
		if task != nil {
			task.State, task.ID, task.Account = v1alpha1.TaskSubmitting, "", vg.Status.Account
			fixture.Resubmit(vg)
		}
	case "own":
		c.showOwn(vg)
	}
	c.write(t, vg)
}

// showOwn makes a resource show the request that this process has begun for it.
func (c *counterpart) showOwn(vg *v1alpha1.VideoGeneration) {
	for _, p := range c.pending {
		if p.uid == vg.UID {
			account := v1alpha1.IdentityOf(c.account[p.account])
			vg.Status.Account = account
			vg.Status.Task = &v1alpha1.Task{Attempt: p.attempt, Number: 1, SubmittedAt: metav1.NewTime(p.begunAt), State: v1alpha1.TaskSubmitting, Account: account}
		}
	}
}

func (c *counterpart) limits(key types.NamespacedName) limits {
	prices, _ := accounts.PricesOf(c.account[key])
	return LimitsOf(c.account[key], prices)
}

func (c *counterpart) ask(t *rapid.T, uid types.UID) {
	key := rapid.SampledFrom(propertyAccounts).Draw(t, "account")
	vg, price, attempt := c.live[uid], rapid.SampledFrom(c.prices).Draw(t, "price"), fmt.Sprintf("attempt-%d", c.next())
	if seen := c.oracle.shown[uid]; seen != nil {
		vg = seen // a reconcile reads what the till has seen
	}
	got := c.till.Reserve(key, c.limits(key), vg.DeepCopy(), price, attempt)
	want := c.oracle.reserve(c.oracle.accounts[key], c.limits(key), vg, price, attempt)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s asks %s (-want +got):\n%s", vg.Name, key, diff)
	}
	if got.Admitted {
		c.pending = append(c.pending, pendingRequest{account: key, attempt: attempt, uid: uid, begunAt: c.clock.Now()})
	}
}

// finish ends a request that is under way.
func (c *counterpart) finish(t *rapid.T, p pendingRequest) {
	c.pending = slices.DeleteFunc(c.pending, func(q pendingRequest) bool { return q == p })
	a := c.oracle.accounts[p.account]
	if rapid.IntRange(0, 3).Draw(t, "released") == 0 {
		c.till.Release(p.account, p.attempt)
		c.oracle.release(a, p.attempt)
		return
	}
	bought := rapid.Bool().Draw(t, "bought")
	c.till.Answered(p.account, p.attempt, bought)
	c.oracle.answer(a, p.attempt, bought)
}

func (c *counterpart) remove(uid types.UID) {
	delete(c.live, uid)
	c.till.Remove(uid)
	c.oracle.remove(uid)
}

// trouble is what KIE.AI and the reconcilers say of an account and its resources.
func (c *counterpart) trouble(t *rapid.T) {
	key := rapid.SampledFrom(propertyAccounts).Draw(t, "account")
	a, account, now := c.oracle.accounts[key], c.account[key], c.clock.Now()
	d := time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second
	switch rapid.SampledFrom([]string{"refuse", "allow", "allow", "defer", "hold", "unhold", "reopen", "balance", "balance", "limits", "aside"}).Draw(t, "trouble") {
	case "refuse":
		class := rapid.SampledFrom(refusals).Draw(t, "class")
		c.till.Refuse(key, class, "key", d)
		a.refuse(Refusal{Class: class, At: now, Until: now.Add(d), APIKey: "key"})
	case "allow":
		gone := rapid.Bool().Draw(t, "cause gone")
		c.till.Allow(key, gone)
		if a.refusal = nil; gone {
			clear(a.deferred)
		}
	case "defer":
		pick(t, c.uids(), func(uid types.UID) {
			c.till.Defer(key, uid, refusals[0], d)
			c.oracle.hold(a, uid, Refusal{Class: refusals[0], At: now, Until: now.Add(d)})
		})
	case "hold":
		pick(t, c.uids(), func(uid types.UID) {
			w := state.Wait{Reason: v1alpha1.ReasonBudgetExhausted, RetryAfter: d}
			c.till.Hold(account, uid, w)
			c.oracle.hold(a, uid, Refusal{At: now, Until: now.Add(d), hold: &w, generation: account.Generation})
		})
	case "unhold":
		pick(t, c.uids(), func(uid types.UID) {
			c.till.Unhold(account, uid, v1alpha1.ReasonBudgetExhausted)
			a.reopen(uid, v1alpha1.ReasonBudgetExhausted)
		})
	case "reopen":
		c.till.Reopen(key, v1alpha1.ReasonBudgetExhausted)
		a.reopen("", v1alpha1.ReasonBudgetExhausted)
	case "balance":
		balance := credits.Of(int64(rapid.IntRange(0, 1000).Draw(t, "balance")))
		c.till.SetBalance(key, balance, now)
		a.balance, a.balanceAt = &balance, now
	case "limits":
		account.Generation++
		account.Spec.Limits.Submissions, account.Spec.Limits.InFlight = int32(rapid.IntRange(1, 4).Draw(t, "submissions")), int32(rapid.IntRange(1, 6).Draw(t, "in flight"))
		account.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: account.Generation}}
		c.till.UpdateAccount(account)
		c.oracle.setLimits(a, c.limits(key))
	case "aside":
		pick(t, slices.Sorted(maps.Keys(c.till.sightings)), func(uid types.UID) {
			c.till.StepAside(uid)
			c.oracle.looked[uid] = true
			for _, a := range c.oracle.accounts {
				c.oracle.stepAside(a, uid)
			}
		})
	}
	c.oracle.settle()
}

// rebuild shows the till all that there is.
func (c *counterpart) rebuild() {
	var all []v1alpha1.VideoGeneration
	for _, uid := range c.uids() {
		all = append(all, *c.live[uid].DeepCopy())
		c.oracle.update(c.live[uid])
	}
	c.till.Rebuild(all)
	for uid := range c.oracle.shown {
		if c.live[uid] == nil {
			c.oracle.remove(uid)
		}
	}
}

// restart begins with nothing but the resources, as another process would.
func (c *counterpart) restart() {
	c.rebuild()
	c.pending = nil
	c.till, c.oracle = NewTill(c.clock), c.oracle.restart()
	c.rebuild()
}

func (c *counterpart) turns(t *rapid.T) {
	got, again := c.till.Turns()
	want := c.oracle.turns()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the turn of others (-want +got):\n%s", diff)
	}
	if !again.IsZero() && !again.After(c.clock.Now()) {
		t.Fatalf("Turns is to be asked again at %s, and it is %s", again, c.clock.Now())
	}
}

// check compares the order of the queues and the verdict of each candidate.
func (c *counterpart) check(t *rapid.T) {
	c.oracle.settle()
	for _, key := range propertyAccounts {
		a, lb := c.oracle.accounts[key], c.till.books[key]
		if lb == nil {
			if queue := c.oracle.inOrder(a); len(queue) > 0 {
				t.Fatalf("%d wait for %s, and it has no book", len(queue), key)
			}
			continue
		}
		b := lb.book
		b.pass(c.clock.Now())
		want, queue := []string{}, c.oracle.inOrder(a)
		for _, q := range queue {
			want = append(want, q.name.String())
		}
		got := []string{}
		for q := range b.line.inOrder() {
			got = append(got, q.name.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the order on %s (-want +got):\n%s", key, diff)
		}
		if places := c.oracle.commitments(a, "").inFlight; places != b.places {
			t.Fatalf("%d places are taken on %s, want %d", b.places, key, places)
		}
		for i, q := range queue {
			r := b.records[q.uid]
			if ahead := b.line.ahead(r.candidate); ahead != i {
				t.Fatalf("%s has %d ahead, want %d", q.name, ahead, i)
			}
			if !a.known || b.limits == nil {
				continue
			}
			for _, price := range c.prices {
				if diff := cmp.Diff(c.oracle.judge(a, q.uid, price), b.judge(c.clock.Now(), r, price)); diff != "" {
					t.Fatalf("the verdict on %s for %s credits (-want +got):\n%s", q.name, price, diff)
				}
			}
		}
	}
}

// Whatever happens in whatever order, and however often the till is shown the same or
// something older: the books say what follows from looking at all resources.
func TestTheBooksSayWhatTheResourcesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCounterpart(t)
		for range rapid.IntRange(0, 8).Draw(t, "crowd") {
			c.create(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"":       c.check,
			"create": c.create,
			"edit":   func(t *rapid.T) { pick(t, c.uids(), func(uid types.UID) { c.edit(t, uid) }) },
			"edit again": func(t *rapid.T) {
				pick(t, c.uids(), func(uid types.UID) { c.edit(t, uid) })
			},
			"replay":  func(t *rapid.T) { pick(t, c.versions, c.replay) },
			"see":     func(t *rapid.T) { pick(t, c.uids(), func(uid types.UID) { c.show(c.live[uid]) }) },
			"remove":  func(t *rapid.T) { pick(t, c.uids(), c.remove) },
			"ask":     func(t *rapid.T) { pick(t, c.uids(), func(uid types.UID) { c.ask(t, uid) }) },
			"ask too": func(t *rapid.T) { pick(t, c.uids(), func(uid types.UID) { c.ask(t, uid) }) },
			"finish":  func(t *rapid.T) { pick(t, c.pending, func(p pendingRequest) { c.finish(t, p) }) },
			"trouble": c.trouble,
			"turns":   c.turns,
			"pass": func(t *rapid.T) {
				c.clock.SetTime(c.clock.Now().Add(time.Duration(rapid.IntRange(0, 15_000).Draw(t, "milliseconds")) * time.Millisecond))
			},
			"rebuild": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					c.rebuild()
				}
			},
			"restart": func(t *rapid.T) {
				if rapid.IntRange(0, 7).Draw(t, "really") == 0 {
					c.restart()
				}
			},
		})
	})
}

// ranked is compared with a sorted slice.
func TestRanked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, want := newRanked(func(a, b int) int { return a - b }), []int{}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				v := rapid.IntRange(0, 50).Draw(t, "value")
				set.insert(v)
				if at, found := slices.BinarySearch(want, v); !found {
					want = slices.Insert(want, at, v)
				}
			},
			"remove": func(t *rapid.T) {
				v := rapid.IntRange(0, 50).Draw(t, "value")
				at, found := slices.BinarySearch(want, v)
				if found {
					want = slices.Delete(want, at, at+1)
				}
				if set.remove(v) != found {
					t.Fatalf("%d was there: %t", v, found)
				}
			},
			"": func(t *rapid.T) {
				if set.len() != len(want) {
					t.Fatalf("%d values, want %d", set.len(), len(want))
				}
				for i, v := range want {
					if set.at(i) != v || set.rank(v) != i || set.rank(v+1) != i+1 {
						t.Fatalf("%d is at %d, want %d", v, set.rank(v), i)
					}
				}
			},
		})
	})
}
