// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScheduleIsInOrderOfTime(t *testing.T) {
	var s schedule[string]
	if _, ok := s.next(); ok {
		t.Error("an empty schedule has a next item")
	}
	s.push(epoch.Add(2*time.Second), "third")
	s.push(epoch.Add(time.Second), "first")
	s.push(epoch.Add(3*time.Second), "later")
	s.push(epoch.Add(time.Second), "second")
	var got []string
	for item, ok := s.pop(epoch.Add(2 * time.Second)); ok; item, ok = s.pop(epoch.Add(2 * time.Second)) {
		got = append(got, item)
	}
	if diff := cmp.Diff([]string{"first", "second", "third"}, got); diff != "" {
		t.Errorf("due items (-want +got):\n%s", diff)
	}
	if at, ok := s.next(); !ok || !at.Equal(epoch.Add(3*time.Second)) {
		t.Errorf("the next item is due at %v (%v)", at, ok)
	}
}

func TestWindowSlides(t *testing.T) {
	w := window{length: 10 * time.Second}
	for _, after := range []time.Duration{0, 4 * time.Second, 10 * time.Second, 13 * time.Second, 30 * time.Second} {
		w.add(epoch.Add(after))
	}
	if w.most != 3 {
		t.Errorf("the fullest window had %d, want 3: those of 4, 10 and 13 s", w.most)
	}
	if got := w.count(epoch.Add(39 * time.Second)); got != 1 {
		t.Errorf("%d events in the window of 39 s, want 1", got)
	}
	if got := w.count(epoch.Add(40 * time.Second)); got != 0 {
		t.Errorf("%d events in the window of 40 s, want 0", got)
	}
}
