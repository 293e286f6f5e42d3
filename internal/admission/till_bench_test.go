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

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// crowdedTill is a till with n resources in the queue of an account, and as many that
// are finished. The account allows 20 requests in 10 s, and has 100 places in flight.
func crowdedTill(n, namespaces int) (*Till, *clocktesting.FakePassiveClock, limits) {
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch.Add(time.Hour))
	till := NewTill(clk)
	account := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: paidBy.Namespace, Name: paidBy.Name, UID: paidBy.UID, Generation: 1}}
	account.Spec.Limits = v1alpha1.AccountLimits{Submissions: 20, InFlight: 100, Window: metav1.Duration{Duration: 10 * time.Second}}
	account.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
	till.UpdateAccount(account)
	till.SetBalance(paidBy.Key(), credits.Of(1_000_000), clk.Now())
	for i := range n {
		till.Update(queued(i, namespaces))
		till.Update(fixture.Video(fmt.Sprintf("finished-%06d", i), bought(v1alpha1.TaskSucceeded, fmt.Sprint("finished-", i))))
	}
	till.Turns()
	return till, clk, LimitsOf(account, nil)
}

// queued is the i-th resource that waits.
func queued(i, namespaces int) *v1alpha1.VideoGeneration {
	vg := fixture.Video(fmt.Sprintf("video-%06d", i), on(paidBy), fixture.Created(fixture.Epoch.Add(time.Duration(i)*time.Second)))
	vg.Namespace = fmt.Sprintf("namespace-%d", i%namespaces)
	return vg
}

// A purchase in all its parts: who is told, the request, its answer, the events that
// show it, its end, and another one that takes its place in the queue.
func BenchmarkPurchase(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		for _, namespaces := range []int{1, 100} {
			b.Run(fmt.Sprintf("%d of %d namespaces", n, namespaces), func(b *testing.B) {
				till, clk, lim := crowdedTill(n, namespaces)
				next := n
				byName := map[types.NamespacedName]*v1alpha1.VideoGeneration{}
				for i := range n {
					vg := queued(i, namespaces)
					byName[types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name}] = vg
				}
				names, now := till.firstInLine(20), clk.Now()
				attempts := make([]string, 64)
				for i := range attempts {
					attempts[i] = fmt.Sprint("attempt-", i)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					b.StopTimer()
					now = now.Add(500 * time.Millisecond)
					clk.SetTime(now)
					if len(names) == 0 {
						names = till.firstInLine(20)
					}
					me := byName[names[0]]
					delete(byName, names[0])
					names = names[1:]
					attempt := attempts[i%len(attempts)]
					running := fixture.Video(me.Name, bought(v1alpha1.TaskRunning, attempt))
					running.Namespace, running.Status.Task.SubmittedAt = me.Namespace, metav1.NewTime(now)
					ended := running.DeepCopy()
					ended.Status.Task.State = v1alpha1.TaskSucceeded
					other := queued(next, namespaces)
					byName[types.NamespacedName{Namespace: other.Namespace, Name: other.Name}] = other
					next++
					b.StartTimer()

					if v := till.Reserve(paidBy.Key(), lim, me, credits.Of(60), attempt); !v.Admitted {
						b.Fatalf("%s: the verdict is %+v", me.Name, v)
					}
					till.Answered(paidBy.Key(), attempt, true)
					till.Update(running)
					till.Update(ended)
					till.Update(other)
					till.SetBalance(paidBy.Key(), credits.Of(1_000_000), now)
					till.Turns()
				}
			})
		}
	}
}

// firstInLine names the first in the queue.
func (t *Till) firstInLine(k int) (names []types.NamespacedName) {
	t.on(paidBy.Key(), func(_ time.Time, b *book) {
		for c := range b.line.inOrder() {
			if names = append(names, c.name); len(names) == k {
				return
			}
		}
	})
	return names
}

// The decision alone: of the first in the queue, who may buy, and of the last, who may not.
func BenchmarkReserveAtTheTill(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		for _, namespaces := range []int{1, 100} {
			till, _, lim := crowdedTill(n, namespaces)
			for _, bb := range []struct {
				name     string
				me       *v1alpha1.VideoGeneration
				admitted bool
			}{{"first", queued(0, namespaces), true}, {"last", queued(n-1, namespaces), false}} {
				b.Run(fmt.Sprintf("%s of %d of %d namespaces", bb.name, n, namespaces), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if v := till.Reserve(paidBy.Key(), lim, bb.me, credits.Of(60), "attempt"); v.Admitted != bb.admitted {
							b.Fatalf("the verdict is %+v", v)
						}
						till.Release(paidBy.Key(), "attempt")
					}
				})
			}
		}
	}
}

// The cache of a process that begins, with as many finished as waiting.
func BenchmarkRebuild(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(2*n), func(b *testing.B) {
			clk := clocktesting.NewFakePassiveClock(fixture.Epoch.Add(time.Hour))
			var all []v1alpha1.VideoGeneration
			for i := range n {
				all = append(all, *queued(i, 100), *fixture.Video(fmt.Sprintf("finished-%06d", i), bought(v1alpha1.TaskSucceeded, fmt.Sprint("finished-", i))))
			}
			b.ReportAllocs()
			for b.Loop() {
				NewTill(clk).Rebuild(all)
			}
		})
	}
}
