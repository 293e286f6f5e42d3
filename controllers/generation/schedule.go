// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// How often KIE.AI is asked about a task. With callbacks, asking is the net
// below them; without, it is the way to learn of the result, and KIE.AI advises
// 30 seconds.
const (
	FirstPollWithCallbacks = 5 * time.Minute
	PollEveryWithCallbacks = time.Minute
	PollEveryWithout       = 30 * time.Second
	// pollAgainSoon follows an answer that has to be asked for again.
	pollAgainSoon = 10 * time.Second
	// absentGrace is how long KIE.AI may not know a task that it has accepted, or
	// that was restored: what a user has named is old enough.
	absentGrace = 10 * time.Minute
	// callbackFollowed is how long after its callback a task that was given up is asked about.
	callbackFollowed = 10 * time.Minute
	// confirmAfter is how long KIE.AI has to refuse to speak of a task until that counts as its end.
	confirmAfter = 2 * time.Minute
)

// schedule is when to ask about a task. It is a pure function of the task, so
// that nothing about it has to be stored, and a restart makes nothing due that
// was not due before.
type schedule struct {
	start time.Time
	first time.Duration
	every time.Duration
}

// newSchedule returns the schedule of a task that was submitted at start. The
// jitter of the resource keeps those that were submitted together apart.
func newSchedule(start time.Time, uid types.UID, callbacks bool) schedule {
	s := schedule{start: start, first: PollEveryWithout, every: PollEveryWithout}
	if callbacks {
		s.first, s.every = FirstPollWithCallbacks, PollEveryWithCallbacks
	}
	s.first += jitter(uid, s.every/4)
	return s
}

// next returns the first time of the schedule after t.
func (s schedule) next(t time.Time) time.Time {
	first := s.start.Add(s.first)
	if first.After(t) {
		return first
	}
	return t.Add(s.every - t.Sub(first)%s.every)
}

// jitter returns a duration in [0, limit) that is always the same for one UID.
func jitter(uid types.UID, limit time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid))
	return time.Duration(h.Sum64()>>1) % limit
}
