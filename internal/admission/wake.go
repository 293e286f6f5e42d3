// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// wake is which books somebody has to look into, and when.
type wake struct {
	// changed is the signal that there are such books.
	changed chan struct{}

	// mu is for what is below it. It may be locked while a book is, not the other way around.
	mu       sync.Mutex
	stirred  map[*lockedBook]bool
	openings *ranked[opening]
	opens    map[*lockedBook]opening
}

// opening is a time at which somebody's turn may come.
type opening struct {
	at time.Time
	lb *lockedBook
}

func newWake() wake {
	return wake{
		changed: make(chan struct{}, 1), stirred: map[*lockedBook]bool{}, opens: map[*lockedBook]opening{},
		openings: newRanked(func(a, b opening) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.lb.key.Namespace, b.lb.key.Namespace), cmp.Compare(a.lb.key.Name, b.lb.key.Name))
		}),
	}
}

// stir says that it may be somebody's turn.
func (w *wake) stir(lb *lockedBook) {
	w.mu.Lock()
	w.stirred[lb] = true
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// due takes the books to look into now, in the order of their names.
func (w *wake) due(now time.Time) (due []*lockedBook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for first, ok := w.openings.first(); ok && !first.at.After(now); first, ok = w.openings.first() {
		w.openings.remove(first)
		delete(w.opens, first.lb)
		w.stirred[first.lb] = true
	}
	for lb := range w.stirred {
		due = append(due, lb)
	}
	clear(w.stirred)
	slices.SortFunc(due, func(a, b *lockedBook) int {
		return cmp.Or(cmp.Compare(a.key.Namespace, b.key.Namespace), cmp.Compare(a.key.Name, b.key.Name))
	})
	return due
}

// at notes when to look into a book again; the zero time is never.
func (w *wake) at(lb *lockedBook, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.opens[lb]; ok {
		w.openings.remove(before)
		delete(w.opens, lb)
	}
	if !at.IsZero() {
		w.opens[lb] = opening{at: at, lb: lb}
		w.openings.insert(w.opens[lb])
	}
}

// next is the first time to look into a book; zero if there is none.
func (w *wake) next() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, _ := w.openings.first()
	return first.at
}

// Changed has a signal when Turns has to be asked, because something has happened.
func (t *Till) Changed() <-chan struct{} { return t.wake.changed }

// Turns names the resources whose turn it is, each once: until it was not its turn for
// a while, or it has asked for a place, it is not named again. The time is when to ask
// again though nothing happens before; zero is never.
func (t *Till) Turns() (names []types.NamespacedName, again time.Time) {
	now := t.clock.Now()
	for _, lb := range t.wake.due(now) {
		lb.mu.Lock()
		names = append(names, lb.book.turns(now)...)
		t.wake.at(lb, lb.book.opens(now))
		lb.mu.Unlock()
	}
	return names, t.wake.next()
}
