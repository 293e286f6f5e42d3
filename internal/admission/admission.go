// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// queueOf lists the resources that wait to buy, me among them.
func queueOf(view []v1alpha1.VideoGeneration, me *v1alpha1.VideoGeneration) []candidate {
	queue := []candidate{candidateOf(me)}
	for i := range view {
		if vg := &view[i]; vg.UID != me.UID && state.IsQueued(vg) {
			queue = append(queue, candidateOf(vg))
		}
	}
	return queue
}

func candidateOf(vg *v1alpha1.VideoGeneration) candidate {
	return candidate{
		uid: vg.UID, created: vg.CreationTimestamp.Time, priority: ptr.Deref(vg.Spec.Priority, 0),
		name: types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name}, hasPlace: state.AtWork(vg),
	}
}

// FirstInQueue lists the resources whose turn is next.
func FirstInQueue(view []v1alpha1.VideoGeneration, n int) []types.NamespacedName {
	var queue []candidate
	busy := map[string]int{}
	for i := range view {
		switch vg := &view[i]; {
		case state.IsQueued(vg):
			queue = append(queue, candidateOf(vg))
		case state.AtWork(vg):
			busy[vg.Namespace]++
		}
	}
	inTurn(queue, busy)
	var names []types.NamespacedName
	for _, c := range queue[:min(n, len(queue))] {
		names = append(names, c.name)
	}
	return names
}

// inTurn puts the candidates in the order in which they buy. Namespaces take
// turns, and those with fewer videos at work come first, so that one with a
// thousand videos in the queue does not keep another one with a single video
// waiting. Within a namespace the highest priority goes first, then the oldest.
// Priorities of different namespaces are not compared: each namespace would give
// itself the highest.
//
// Before all others come those that hold a place in flight already, because their
// purchase was lost and is made again: as long as they wait, the others wait for
// that place.
func inTurn(queue []candidate, busy map[string]int) {
	slices.SortFunc(queue, func(a, b candidate) int {
		if d := cmp.Compare(b.priority, a.priority); d != 0 {
			return d
		}
		return byAge(a, b)
	})
	ahead := map[string]int{}
	for i := range queue {
		namespace := queue[i].name.Namespace
		queue[i].turn = busy[namespace] + ahead[namespace]
		ahead[namespace]++
	}
	slices.SortFunc(queue, func(a, b candidate) int {
		if a.hasPlace != b.hasPlace {
			if a.hasPlace {
				return -1
			}
			return 1
		}
		if d := cmp.Compare(a.turn, b.turn); d != 0 {
			return d
		}
		return byAge(a, b)
	})
}

// byAge puts the oldest first.
func byAge(a, b candidate) int {
	if d := a.created.Compare(b.created); d != 0 {
		return d
	}
	return cmp.Or(strings.Compare(a.name.Namespace, b.name.Namespace), strings.Compare(a.name.Name, b.name.Name))
}

// limits bound what an account may send to KIE.AI and have in flight there.
type limits struct {
	// generation is the generation of the account that they were read from.
	generation  int64
	submissions int
	window      time.Duration
	inFlight    int
	// prices say what upgrades cost, for those that are still to be asked for.
	prices kie.Prices
}

// upgradesDue are the credits that upgrades of videos which are bought already will
// cost. The balance does not show them yet. An upgrade without a price is not
// asked for, and costs nothing.
func (l limits) upgradesDue(view []v1alpha1.VideoGeneration, me types.UID) (due credits.Amount) {
	for i := range view {
		vg := &view[i]
		if vg.UID == me || vg.Status.Upgrade != nil || (!state.InFlight(vg.Status.Task) && !state.UpgradePending(vg)) {
			continue
		}
		if price, ok := accounts.UpgradePrice(vg, l.prices); ok {
			due = due.Plus(price)
		}
	}
	return due
}

// commitments are what an account has in flight at KIE.AI, and has sent lately.
type commitments struct {
	// inFlight counts the purchases that are not finished, byNamespace those of each namespace.
	inFlight    int
	byNamespace map[string]int
	// occupiedUntil has, for each purchase that may still count in the window, when it no longer does.
	occupiedUntil []time.Time
}

// candidate is a resource that wants to buy.
type candidate struct {
	uid      types.UID
	created  time.Time
	priority int32
	name     types.NamespacedName
	// hasPlace says that a purchase of it counts as in flight.
	hasPlace bool
	// turn is how many videos of its namespace come before it.
	turn int
}

// Verdict says whether a candidate may buy now.
type Verdict struct {
	Admitted bool
	// ByWindow says that the window is full, rather than the places in flight.
	ByWindow bool
	// Short says that the balance is too low for this candidate.
	Short bool
	// Held is what the resource waits for if the operator itself holds it back.
	Held *state.Wait
	// Refused is why KIE.AI does not sell to the account for the moment.
	Refused kie.Class
	// RetryAfter is after how long the answer may differ, if that is known.
	RetryAfter time.Duration
}

// admit decides whether a candidate may buy now: they go in turn, as many as the
// limits leave room for.
//
// It guarantees that no stretch of the length of the window has more than the
// allowed number of purchases in it, if occupiedUntil of each purchase is at
// least one window after KIE.AI got it. It does not look at the balance, and it
// does not know whether the candidates ahead are able to buy.
func admit(now time.Time, l limits, c commitments, queue []candidate, me types.UID) Verdict {
	inTurn(queue, c.byNamespace)
	ahead := slices.IndexFunc(queue, func(q candidate) bool { return q.uid == me })

	ends := slices.DeleteFunc(slices.Clone(c.occupiedUntil), func(end time.Time) bool { return !end.After(now) })
	slices.SortFunc(ends, time.Time.Compare)

	freeInFlight := l.inFlight - c.inFlight
	freeInWindow := l.submissions - len(ends)
	switch {
	case ahead < min(freeInFlight, freeInWindow):
		return Verdict{Admitted: true}
	case ahead >= freeInFlight:
		return Verdict{}
	}
	// Those ahead take the places that are free now. The place for this candidate is the one that the
	// (ahead-freeInWindow+1)-th end vacates, a whole window later for each full round.
	for range max(freeInWindow, 0) {
		ends = append(ends, now.Add(l.window))
	}
	behind := ahead - freeInWindow
	rounds, place := behind/len(ends), behind%len(ends)
	return Verdict{ByWindow: true, RetryAfter: ends[place].Sub(now) + time.Duration(rounds)*l.window}
}

// LimitsOf are the limits that the spec of an account sets.
func LimitsOf(account *v1alpha1.KieAccount, prices kie.Prices) limits {
	return limits{
		generation: account.Generation,
		// the CRD demands values above zero, but an account may have been stored before it did
		submissions: max(int(account.Spec.Limits.Submissions), 1),
		window:      max(account.Spec.Limits.Window.Duration, time.Second),
		inFlight:    max(int(account.Spec.Limits.InFlight), 1),
		prices:      prices,
	}
}
