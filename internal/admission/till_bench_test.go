// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// life is what happens to one resource that buys: the events that show its request and
// its end, and the next one that comes into the queue.
type life struct {
	attempt                      string
	waiting, running, ended, new *v1alpha1.VideoGeneration
}

// lives are those of the resources that are next in the queue, which is in the order
// in which they were made.
func lives(first, many, n, namespaces int, now time.Time) (all []life) {
	for i := first; i < first+many; i++ {
		l := life{attempt: fmt.Sprint("attempt-", i), waiting: queued(i, namespaces), new: queued(n+i, namespaces)}
		l.running = queued(i, namespaces)
		bought(v1alpha1.TaskRunning, l.attempt)(l.running)
		l.running.Status.Task.SubmittedAt = metav1.NewTime(now.Add(time.Duration(i) * perPurchase))
		l.ended = l.running.DeepCopy()
		l.ended.Status.Task.State = v1alpha1.TaskSucceeded
		all = append(all, l)
	}
	return all
}

// perPurchase is how much time passes for each purchase: the window allows no more.
const perPurchase = 500 * time.Millisecond

// buy is a purchase in all its parts: the request, its answer, the events that show it
// and its end, the balance, another resource that comes, and who is told.
func (l life) buy(till *Till, lim limits, asked time.Time) (admitted bool) {
	admitted = till.Reserve(paidBy.Key(), lim, l.waiting, credits.Of(60), l.attempt).Admitted
	till.Answered(paidBy.Key(), l.attempt, true)
	till.Update(l.running)
	till.Update(l.ended)
	till.Update(l.new)
	till.SetBalance(paidBy.Key(), credits.Of(1_000_000), asked)
	till.Turns()
	return admitted
}

// cpuTime is what this process has used of the processor: other programs do not change
// it as they change the time that passes.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkPurchase(b *testing.B) {
	const prepared = 2048
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		for _, namespaces := range []int{1, 100} {
			b.Run(fmt.Sprintf("%d of %d namespaces", n, namespaces), func(b *testing.B) {
				till, clk, lim := crowdedTill(n, namespaces)
				var next []life
				start, used := clk.Now(), time.Duration(0)
				b.ReportAllocs()
				b.ResetTimer()
				from := cpuTime()
				for i := range b.N {
					if len(next) == 0 {
						used += cpuTime() - from
						b.StopTimer()
						next = lives(i, prepared, n, namespaces, start)
						b.StartTimer()
						from = cpuTime()
					}
					clk.SetTime(start.Add(time.Duration(i) * perPurchase))
					if !next[0].buy(till, lim, clk.Now()) {
						b.Fatalf("%s does not buy", next[0].waiting.Name)
					}
					next = next[1:]
				}
				b.ReportMetric(float64(used+cpuTime()-from)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// Neither the comparisons nor the allocations of a purchase grow faster than the
// logarithm of the queue. Times depend on the machine; these do not.
func TestAPurchaseCostsLogN(t *testing.T) {
	const purchases = 200
	for _, namespaces := range []int{1, 100} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			till, clk, lim := crowdedTill(n, namespaces)
			next, start := lives(0, purchases, n, namespaces, clk.Now()), clk.Now()
			compared := 0
			for _, q := range till.books[paidBy.Key()].book.line.namespaces {
				compare := q.lanes[withoutPlace].compare
				q.lanes[withoutPlace].compare = func(a, b *candidate) int { compared++; return compare(a, b) }
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for i, l := range next {
				clk.SetTime(start.Add(time.Duration(i) * perPurchase))
				if !l.buy(till, lim, clk.Now()) {
					t.Fatalf("%s does not buy", l.waiting.Name)
				}
			}
			runtime.ReadMemStats(&after)
			comparisons, allocations := float64(compared)/purchases, float64(after.Mallocs-before.Mallocs)/purchases
			t.Logf("%d of %d namespaces: %.1f comparisons and %.1f allocations", n, namespaces, comparisons, allocations)
			if comparisons > 4*math.Log2(float64(n)) || allocations > 30 {
				t.Errorf("%d of %d namespaces: %.1f comparisons and %.1f allocations are more than log n", n, namespaces, comparisons, allocations)
			}
		}
	}
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
					from := cpuTime()
					for b.Loop() {
						if v := till.Reserve(paidBy.Key(), lim, bb.me, credits.Of(60), "attempt"); v.Admitted != bb.admitted {
							b.Fatalf("the verdict is %+v", v)
						}
						till.Release(paidBy.Key(), "attempt")
					}
					b.ReportMetric(float64(cpuTime()-from)/float64(b.N), "cpu-ns/op")
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
