// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"container/heap"
	"time"
)

// schedule holds items until they are due, earliest first. The zero value is
// empty. It is not safe for concurrent use.
type schedule[T any] struct {
	entries entries[T]
	pushed  int
}

// push adds an item that is due at a time.
func (s *schedule[T]) push(at time.Time, item T) {
	s.pushed++
	heap.Push(&s.entries, entry[T]{at: at, order: s.pushed, item: item})
}

// next returns when the earliest item is due.
func (s *schedule[T]) next() (time.Time, bool) {
	if len(s.entries) == 0 {
		return time.Time{}, false
	}
	return s.entries[0].at, true
}

// pop removes and returns the earliest item if it is due. Items that are due at
// the same time come out in the order in which they were pushed.
func (s *schedule[T]) pop(now time.Time) (T, bool) {
	at, ok := s.next()
	if !ok || at.After(now) {
		var none T
		return none, false
	}
	return heap.Pop(&s.entries).(entry[T]).item, true
}

type entry[T any] struct {
	at    time.Time
	order int
	item  T
}

// entries implements heap.Interface.
type entries[T any] []entry[T]

func (e entries[T]) Len() int { return len(e) }

func (e entries[T]) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].order < e[j].order
	}
	return e[i].at.Before(e[j].at)
}

func (e entries[T]) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

func (e *entries[T]) Push(x any) { *e = append(*e, x.(entry[T])) }

func (e *entries[T]) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = entry[T]{}
	*e = old[:len(old)-1]
	return last
}
