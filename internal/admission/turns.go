// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// turnLasts is how long the others wait for a resource that was told that it is its
// turn. It need not buy by then, but has to ask.
const turnLasts = 30 * time.Second

// turns names the resources whose turn it is and that do not know it. They know it
// from then on, until it is not their turn any more.
func (b *book) turns(now time.Time) (names []types.NamespacedName) {
	b.pass(now)
	b.stirred = false
	know := 0
	var inTurn map[string]bool
	for c := range b.inTurn(now) {
		r := b.records[c.uid]
		if r.toldAt.IsZero() {
			b.tell(r, now)
			names = append(names, c.name)
		}
		know++
	}
	if know == b.told.len() {
		return names
	}
	// Others are before some of those who were told.
	inTurn = map[string]bool{}
	for c := range b.inTurn(now) {
		inTurn[string(c.uid)] = true
	}
	for i := b.told.len() - 1; i >= 0; i-- {
		if told := b.told.at(i); !inTurn[told.of] {
			b.tell(b.records[types.UID(told.of)], time.Time{})
		}
	}
	return names
}

// inTurn goes through those who may buy now: as many as the limits leave room for.
func (b *book) inTurn(now time.Time) func(yield func(*candidate) bool) {
	return func(yield func(*candidate) bool) {
		if b.limits == nil || b.closed || b.isRefused(now) {
			return
		}
		n, inWindow := 0, b.window.free(now, *b.limits)
		for c := range b.line.inOrder() {
			inFlight := b.limits.inFlight - b.places + b.ownPlaces(b.records[c.uid])
			switch {
			case n >= inWindow, n >= inFlight && !c.hasPlace:
				return
			case n >= inFlight:
				n++ // it waits, and so do those behind it
				continue
			}
			n++
			if !yield(c) {
				return
			}
		}
	}
}

// opens is when somebody's turn may come by the passing of time alone; zero if never.
func (b *book) opens(now time.Time) (at time.Time) {
	earlier := func(other time.Time) {
		if at.IsZero() || other.Before(at) {
			at = other
		}
	}
	if first, ok := b.deferrals.first(); ok {
		earlier(first.at)
	}
	if first, ok := b.told.first(); ok {
		earlier(first.at.Add(turnLasts))
	}
	switch {
	case b.limits == nil || b.closed || b.line.len() == 0:
	case b.isRefused(now):
		if b.refusal.Until.After(now) && !Lasting(b.refusal.Class) {
			earlier(b.refusal.Until)
		}
	default:
		free := b.window.free(now, *b.limits)
		room := b.limits.inFlight - b.places + b.line.sizes[withPlace]
		if next, ok := b.window.opens(now, *b.limits); ok && free < min(room, b.line.len()) {
			earlier(next)
		}
	}
	return at
}

// Place is where a resource stands in the queue of its account.
type Place struct {
	// Ahead is how many buy before it. It is exact in a queue of up to 64 namespaces, and too low by at most one of
	// each namespace in a longer one.
	Ahead int
	// Of is how many wait.
	Of int
	// Wait is how long the window alone makes it wait. How long videos are in flight, nobody knows.
	Wait time.Duration
}

// place is where a resource stands; ok is false if it does not stand in the queue.
func (b *book) place(now time.Time, uid types.UID) (p Place, ok bool) {
	r := b.records[uid]
	if r == nil || !r.inLine {
		return Place{}, false
	}
	p = Place{Ahead: b.line.ahead(r.candidate), Of: b.line.len()}
	if b.limits != nil && p.Ahead >= b.window.free(now, *b.limits) {
		p.Wait = b.window.wait(now, *b.limits, p.Ahead)
	}
	return p, true
}
