// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

// ranked is a set in order that also counts: how many of its values are before one,
// and which is the n-th. Each method takes O(log n). It is a treap, a search tree
// that random weights keep balanced, because the trees of libraries do not count.
type ranked[T any] struct {
	compare func(a, b T) int
	root    *rankedNode[T]
	// drawn is how many weights were drawn.
	drawn uint64
}

type rankedNode[T any] struct {
	value       T
	weight      uint64
	size        int
	left, right *rankedNode[T]
}

// newRanked returns an empty set. Two values of which compare says 0 are the same.
func newRanked[T any](compare func(a, b T) int) *ranked[T] { return &ranked[T]{compare: compare} }

func (s *ranked[T]) len() int { return s.root.len() }

func (n *rankedNode[T]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

// insert adds a value, or replaces the same one.
func (s *ranked[T]) insert(value T) { s.root = s.with(s.root, value) }

func (s *ranked[T]) with(n *rankedNode[T], value T) *rankedNode[T] {
	if n == nil {
		return &rankedNode[T]{value: value, weight: s.draw(), size: 1}
	}
	switch c := s.compare(value, n.value); {
	case c == 0:
		n.value = value
	case c < 0:
		n.left = s.with(n.left, value)
		if n.left.weight > n.weight {
			n.left, n.left.right, n = n.left.right, n, n.left
			n.right.recount()
		}
	default:
		n.right = s.with(n.right, value)
		if n.right.weight > n.weight {
			n.right, n.right.left, n = n.right.left, n, n.right
			n.left.recount()
		}
	}
	n.recount()
	return n
}

// remove takes a value out, and reports whether it was there.
func (s *ranked[T]) remove(value T) bool {
	before := s.len()
	s.root = s.without(s.root, value)
	return s.len() < before
}

func (s *ranked[T]) without(n *rankedNode[T], value T) *rankedNode[T] {
	if n == nil {
		return nil
	}
	switch c := s.compare(value, n.value); {
	case c == 0:
		return joined(n.left, n.right)
	case c < 0:
		n.left = s.without(n.left, value)
	default:
		n.right = s.without(n.right, value)
	}
	n.recount()
	return n
}

// joined is one tree of two, of which all values of the first are before those of
// the second.
func joined[T any](before, after *rankedNode[T]) *rankedNode[T] {
	switch {
	case before == nil:
		return after
	case after == nil:
		return before
	case before.weight > after.weight:
		before.right = joined(before.right, after)
		before.recount()
		return before
	default:
		after.left = joined(before, after.left)
		after.recount()
		return after
	}
}

// rank is how many values are before this one, which need not be in the set.
func (s *ranked[T]) rank(value T) (before int) {
	for n := s.root; n != nil; {
		if s.compare(value, n.value) <= 0 {
			n = n.left
			continue
		}
		before += n.left.len() + 1
		n = n.right
	}
	return before
}

// at is the value with so many before it: there has to be one.
func (s *ranked[T]) at(index int) T {
	n := s.root
	for {
		switch before := n.left.len(); {
		case index < before:
			n = n.left
		case index == before:
			return n.value
		default:
			index -= before + 1
			n = n.right
		}
	}
}

// first is the first value; ok is false if there is none.
func (s *ranked[T]) first() (value T, ok bool) {
	if s.len() == 0 {
		return value, false
	}
	return s.at(0), true
}

func (n *rankedNode[T]) recount() { n.size = n.left.len() + 1 + n.right.len() }

// draw returns the next weight: the output of splitmix64, the same in each process.
func (s *ranked[T]) draw() uint64 {
	s.drawn++
	z := s.drawn * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
