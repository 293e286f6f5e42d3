// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package byname has a map of values by the names of objects. A value is kept only as
// long as the name belongs to the object with the same UID.
package byname

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Map has a value for each object, by its name. A name can be used again: what is
// remembered of one object is never taken for what is known of the next. The zero
// value is ready for use, by several goroutines.
type Map[T any] struct {
	mu      sync.Mutex
	entries map[types.NamespacedName]entry[T]
}

type entry[T any] struct {
	uid   types.UID
	value T
}

// Get returns the value of the object; ok is false if there is none.
func (m *Map[T]) Get(name types.NamespacedName, uid types.UID) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.entries[name]
	if !ok || found.uid != uid {
		var none T
		return none, false
	}
	return found.value, true
}

// GetOr returns the value of the object, which is a fresh one if there is none.
// The value of another object that had the name before is replaced, and its UID
// returned.
func (m *Map[T]) GetOr(name types.NamespacedName, uid types.UID, fresh func() T) (value T, replaced types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.entries[name]
	if ok && found.uid == uid {
		return found.value, ""
	}
	value = fresh()
	m.set(name, uid, value)
	return value, found.uid
}

// Set remembers a value of the object.
func (m *Map[T]) Set(name types.NamespacedName, uid types.UID, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(name, uid, value)
}

func (m *Map[T]) set(name types.NamespacedName, uid types.UID, value T) {
	if m.entries == nil {
		m.entries = map[types.NamespacedName]entry[T]{}
	}
	m.entries[name] = entry[T]{uid: uid, value: value}
}

// Delete forgets the object of that name, whichever it was, and returns its UID,
// which is empty if there was none.
func (m *Map[T]) Delete(name types.NamespacedName) types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.entries[name]
	delete(m.entries, name)
	return found.uid
}
