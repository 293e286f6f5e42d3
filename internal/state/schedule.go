// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// How often KIE.AI is asked about a task. With callbacks, polling only catches what
// they miss; without them it is the only way to learn of the result, and KIE.AI
// advises 30 seconds.
const (
	FirstPollWithCallbacks = 5 * time.Minute
	PollEveryWithCallbacks = time.Minute
	PollEveryWithout       = 30 * time.Second
	// PollAgainSoon follows an answer that has to be asked for again.
	PollAgainSoon = 10 * time.Second
	// AbsentGrace is how long KIE.AI may not know a task that it has just accepted, or that was restored from the
	// operator's annotation: its record may be late. A task that a user has named is old enough, and gets no grace.
	AbsentGrace = 10 * time.Minute
	// CallbackFollowed is how long a task that was given up is asked about after a callback for it.
	CallbackFollowed = 10 * time.Minute
	// ConfirmAfter is how long an answer that ends a task has to last until it is believed.
	ConfirmAfter = 2 * time.Minute
)

// Schedule is when to ask about a task. It is a pure function of the task, so
// that nothing about it has to be stored, and a restart makes nothing due that
// was not due before.
type Schedule struct {
	Start time.Time
	first time.Duration
	Every time.Duration
}

// NewSchedule returns the schedule of a task that was submitted at start. The
// jitter of the resource keeps those that were submitted together apart.
func NewSchedule(start time.Time, uid types.UID, callbacks bool) Schedule {
	s := Schedule{Start: start, first: PollEveryWithout, Every: PollEveryWithout}
	if callbacks {
		s.first, s.Every = FirstPollWithCallbacks, PollEveryWithCallbacks
	}
	s.first += Jitter(uid, s.Every/4)
	return s
}

// Next returns the first time of the schedule after t.
func (s Schedule) Next(t time.Time) time.Time {
	first := s.Start.Add(s.first)
	if first.After(t) {
		return first
	}
	return t.Add(s.Every - t.Sub(first)%s.Every)
}

// Jitter returns a duration in [0, limit) that is always the same for one UID.
func Jitter(uid types.UID, limit time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid))
	return time.Duration(h.Sum64()>>1) % limit
}
