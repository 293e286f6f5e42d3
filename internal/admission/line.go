// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"iter"
	"slices"
)

// line is the queue of an account, in the order in which its candidates buy: first
// those that hold a place in flight already, because their purchase was lost and is
// made again; then the others. In both lanes namespaces take turns, and those with
// fewer videos at work come first: a candidate's turn is how many videos its
// namespace has at work, and how many of its lane are before it there. Within a
// namespace the highest priority goes first, then the oldest. inTurn in
// admission.go says why.
//
// A change of a namespace moves all its candidates, so their turns are not stored:
// the order is merged from the namespaces, each of which is in order, as far as
// somebody wants to know it.
type line struct {
	namespaces map[string]*queueOfNamespace
	// heads has, for each lane, the first candidate of each namespace, in the order of the whole queue.
	heads [lanes]*ranked[head]
	// sizes counts the candidates of each lane.
	sizes [lanes]int
	// merging is room for a walk through the queue.
	merging []cursor
}

// The lanes of the queue, in their order.
const (
	withPlace = iota
	withoutPlace
	lanes
)

// queueOfNamespace is the part of a queue that one namespace has.
type queueOfNamespace struct {
	// busy counts the places in flight of the namespace.
	busy  int
	lanes [lanes]*ranked[*candidate]
	// heads are its entries in the heads of the queue; without a candidate if there is none.
	heads [lanes]head
}

// head is a candidate with its turn, and the queue of its namespace.
type head struct {
	turn      int
	candidate *candidate
	of        *queueOfNamespace
}

// cursor is how far a walk has come in one namespace.
type cursor struct {
	head
	index int
}

func newLine() *line {
	l := &line{namespaces: map[string]*queueOfNamespace{}}
	for lane := range l.heads {
		l.heads[lane] = newRanked(compareHeads)
	}
	return l
}

func compareHeads(a, b head) int {
	if d := cmp.Compare(a.turn, b.turn); d != 0 {
		return d
	}
	return compareAges(a.candidate, b.candidate)
}

// compareAges puts the oldest first. A name can belong to two resources for a moment.
func compareAges(a, b *candidate) int {
	if d := byAge(*a, *b); d != 0 {
		return d
	}
	return cmp.Compare(a.uid, b.uid)
}

// compareUrgency is the order within a namespace.
func compareUrgency(a, b *candidate) int {
	if d := cmp.Compare(b.priority, a.priority); d != 0 {
		return d
	}
	return compareAges(a, b)
}

func laneOf(c *candidate) int {
	if c.hasPlace {
		return withPlace
	}
	return withoutPlace
}

func (l *line) len() int { return l.sizes[withPlace] + l.sizes[withoutPlace] }

// add puts a candidate into the queue. It must not change while it is there.
func (l *line) add(c *candidate) {
	lane := laneOf(c)
	l.change(c.name.Namespace, func(q *queueOfNamespace) { q.lanes[lane].insert(c) })
	l.sizes[lane]++
}

// remove takes a candidate out that is in the queue.
func (l *line) remove(c *candidate) {
	lane := laneOf(c)
	l.change(c.name.Namespace, func(q *queueOfNamespace) { q.lanes[lane].remove(c) })
	l.sizes[lane]--
}

// work changes how many places in flight a namespace has.
func (l *line) work(namespace string, by int) {
	l.change(namespace, func(q *queueOfNamespace) { q.busy += by })
}

// change changes the queue of a namespace, and puts it where it belongs.
func (l *line) change(namespace string, do func(*queueOfNamespace)) {
	q := l.namespaces[namespace]
	if q == nil {
		q = &queueOfNamespace{}
		for lane := range q.lanes {
			q.lanes[lane] = newRanked(compareUrgency)
		}
		l.namespaces[namespace] = q
	}
	do(q)
	for lane, in := range q.lanes {
		now := head{}
		if first, ok := in.first(); ok {
			now = head{turn: q.busy, candidate: first, of: q}
		}
		if before := q.heads[lane]; before == now {
			continue
		} else if before.candidate != nil {
			l.heads[lane].remove(before)
		}
		if now.candidate != nil {
			l.heads[lane].insert(now)
		}
		q.heads[lane] = now
	}
	if q.busy == 0 && q.lanes[withPlace].len()+q.lanes[withoutPlace].len() == 0 {
		delete(l.namespaces, namespace)
	}
}

// inOrder goes through the candidates in their order. The first k take O(k log n).
// The queue must not change meanwhile.
func (l *line) inOrder() iter.Seq[*candidate] {
	return func(yield func(*candidate) bool) {
		for lane := range lanes {
			if !l.walk(lane, yield) {
				return
			}
		}
	}
}

// walk goes through one lane, until the caller has seen enough.
func (l *line) walk(lane int, yield func(*candidate) bool) (wantsMore bool) {
	heads, opened := l.heads[lane], 0
	begun := l.merging[:0] // the namespaces of which some were seen, the next one at the end
	for {
		var next cursor
		last := len(begun) - 1
		if opened < heads.len() {
			next.head = heads.at(opened)
		}
		switch {
		case next.candidate == nil && last < 0:
			l.merging = begun
			return true
		case next.candidate == nil || (last >= 0 && compareHeads(begun[last].head, next.head) < 0):
			next, begun = begun[last], begun[:last]
		default:
			opened++
		}
		if !yield(next.candidate) {
			l.merging = begun
			return false
		}
		next.index++
		if in := next.of.lanes[lane]; next.index < in.len() {
			next.turn++
			next.candidate = in.at(next.index)
			at, _ := slices.BinarySearchFunc(begun, next.head, func(have cursor, want head) int { return compareHeads(want, have.head) })
			begun = slices.Insert(begun, at, next)
		}
	}
}

// isWithin reports whether a candidate in the queue is among the first k.
func (l *line) isWithin(c *candidate, k int) bool {
	lane := laneOf(c)
	before := l.namespaces[c.name.Namespace].lanes[lane].rank(c)
	if lane == withoutPlace {
		before += l.sizes[withPlace]
	}
	switch {
	case before >= k:
		return false
	case k >= l.len():
		return true
	}
	for next := range l.inOrder() {
		if next == c {
			return true
		}
		if k--; k <= 0 {
			return false
		}
	}
	return false
}

// exactNamespaces is up to how many namespaces the place of a candidate is exact.
const exactNamespaces = 64

// ahead is how many candidates are before one that is in the queue. In a queue of
// more than exactNamespaces namespaces those of the same turn are left out, at most
// one of each namespace.
func (l *line) ahead(c *candidate) (n int) {
	lane, own := laneOf(c), l.namespaces[c.name.Namespace]
	turn := own.busy + own.lanes[lane].rank(c)
	if lane == withoutPlace {
		n = l.sizes[withPlace]
	}
	exact := len(l.namespaces) <= exactNamespaces
	for _, q := range l.namespaces {
		in := q.lanes[lane]
		before := min(max(turn-q.busy, 0), in.len())
		n += before
		if exact && q != own && q.busy <= turn && before < in.len() && compareAges(in.at(before), c) < 0 {
			n++
		}
	}
	return n
}
