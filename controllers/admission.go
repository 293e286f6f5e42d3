// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// queueOf lists the resources that wait to buy, me among them.
func queueOf(view []v1alpha1.VideoGeneration, me *v1alpha1.VideoGeneration) []candidate {
	queue := []candidate{candidateOf(me)}
	for i := range view {
		if vg := &view[i]; vg.UID != me.UID && isQueued(vg) {
			queue = append(queue, candidateOf(vg))
		}
	}
	return queue
}

func candidateOf(vg *v1alpha1.VideoGeneration) candidate {
	return candidate{uid: vg.UID, created: vg.CreationTimestamp.Time, name: types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name}}
}

// firstInQueue lists the resources whose turn is next, the oldest first.
func firstInQueue(view []v1alpha1.VideoGeneration, n int) []types.NamespacedName {
	var queue []candidate
	for i := range view {
		if isQueued(&view[i]) {
			queue = append(queue, candidateOf(&view[i]))
		}
	}
	slices.SortFunc(queue, byAge)
	var names []types.NamespacedName
	for _, c := range queue[:min(n, len(queue))] {
		names = append(names, c.name)
	}
	return names
}

// byAge puts the oldest first.
func byAge(a, b candidate) int {
	if d := a.created.Compare(b.created); d != 0 {
		return d
	}
	return strings.Compare(a.name.String(), b.name.String())
}

// limits bound what an account has at KIE.AI.
type limits struct {
	submissions int
	window      time.Duration
	inFlight    int
}

// commitments are what an account has at KIE.AI already.
type commitments struct {
	// inFlight counts the purchases that are not finished.
	inFlight int
	// occupiedUntil has, for each purchase that may still count in the window, when it no longer does.
	occupiedUntil []time.Time
}

// candidate is a resource that wants to buy.
type candidate struct {
	uid     types.UID
	created time.Time
	name    types.NamespacedName
}

// verdict says whether a candidate may buy now.
type verdict struct {
	admitted bool
	// byWindow says that the window is full, rather than the places in flight.
	byWindow bool
	// refused is why KIE.AI does not sell to the account for the moment.
	refused kie.Class
	// retryAfter is when the answer may be another one, if it is known.
	retryAfter time.Duration
}

// admit decides whether a candidate may buy now: the oldest go first, as many
// as the limits leave room for.
//
// It guarantees that no stretch of the length of the window has more than the
// allowed number of purchases in it, if occupiedUntil of each purchase is at
// least one window after KIE.AI got it. It does not look at the balance, and it
// does not know whether the candidates ahead are able to buy.
func admit(now time.Time, l limits, c commitments, queue []candidate, me types.UID) verdict {
	slices.SortFunc(queue, byAge)
	ahead := slices.IndexFunc(queue, func(q candidate) bool { return q.uid == me })

	ends := slices.DeleteFunc(slices.Clone(c.occupiedUntil), func(end time.Time) bool { return !end.After(now) })
	slices.SortFunc(ends, time.Time.Compare)

	freeInFlight := l.inFlight - c.inFlight
	freeInWindow := l.submissions - len(ends)
	switch {
	case ahead < min(freeInFlight, freeInWindow):
		return verdict{admitted: true}
	case ahead >= freeInFlight:
		return verdict{}
	}
	// Those ahead take the places that are free now. The place for this candidate is the one that the
	// (ahead-freeInWindow+1)-th end vacates, a whole window later for each full round.
	for range max(freeInWindow, 0) {
		ends = append(ends, now.Add(l.window))
	}
	behind := ahead - freeInWindow
	rounds, place := behind/len(ends), behind%len(ends)
	return verdict{byWindow: true, retryAfter: ends[place].Sub(now) + time.Duration(rounds)*l.window}
}
