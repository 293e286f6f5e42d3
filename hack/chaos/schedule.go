// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// disturbance is a kind of trouble.
type disturbance string

const (
	killManager disturbance = "kill -9 of a manager"
	stopLeader  disturbance = "leader stopped for longer than its lease"
	restartAPI  disturbance = "kill -9 and restart of the API server"
	restartEtcd disturbance = "kill -9 and restart of etcd"
	cutOff      disturbance = "manager cut off from the API server"
	stall       disturbance = "manager's connections to the API server stalled"
	slowAPI     disturbance = "slow API server"
	// restartStorage kills the S3 server and starts it again.
	restartStorage disturbance = "kill -9 and restart of the S3 server"
	rollOut        disturbance = "rolling restart of both managers by SIGTERM"
)

// quota is how often a disturbance happens in the usual duration.
type quota struct {
	what disturbance
	// least is what a run has to reach, planned is what is tried.
	least, planned int
	// takes is about how long one of them takes.
	takes time.Duration
}

// lanes are disturbances that happen one after the other. The lanes go on side by
// side, so that troubles of different lanes meet.
var lanes = [][]quota{
	{{killManager, 20, 26, 10 * time.Second}},
	{{stopLeader, 5, 6, 40 * time.Second}, {rollOut, 10, 13, 20 * time.Second}},
	{{restartAPI, 5, 6, time.Minute}, {restartEtcd, 2, 3, time.Minute}},
	{{cutOff, 2, 4, time.Minute}, {stall, 2, 3, time.Minute}, {slowAPI, 2, 3, time.Minute}, {restartStorage, 2, 3, 30 * time.Second}},
}

// usualDuration is the default of --duration.
const usualDuration = 10 * time.Minute

// spare is how much of a run does not count: a disturbance may have to wait for
// another one.
const spare = time.Minute

// leastIn is how often a disturbance has to happen in a run of some length.
func (q quota) leastIn(duration time.Duration) int {
	return int(float64(q.least) * max(duration-spare, 0).Seconds() / (usualDuration - spare).Seconds())
}

func (q quota) plannedIn(duration time.Duration) int {
	return int(math.Ceil(float64(q.planned) * duration.Seconds() / usualDuration.Seconds()))
}

// event is one disturbance: when it begins, counted from the start, and the
// choices that are made for it.
type event struct {
	at   time.Duration
	what disturbance
	// leader says that a kill is for the leader, replica whom it is for if there is none, and whom the others are for.
	leader  bool
	replica int
	// length is how long it lasts, where that is a choice, or how long it goes on longer than it has to.
	length time.Duration
}

// timetable plans the events of a lane. It depends on the seed, the lane and the
// duration only.
func timetable(seed uint64, lane int, duration time.Duration) []event {
	random := rand.New(rand.NewPCG(seed, math.MaxUint64-uint64(lane))) //nolint:gosec // chosen to be the same again
	var events []event
	var takes []time.Duration
	var total time.Duration
	for _, q := range lanes[lane] {
		for range q.plannedIn(duration) {
			events = append(events, event{
				what: q.what, leader: random.IntN(2) == 0, replica: random.IntN(2),
				length: time.Duration(random.IntN(10_000)) * time.Millisecond,
			})
			takes = append(takes, q.takes)
			total += q.takes
		}
	}
	random.Shuffle(len(events), func(i, j int) {
		events[i], events[j] = events[j], events[i]
		takes[i], takes[j] = takes[j], takes[i]
	})
	var passed time.Duration
	for i := range events {
		share := float64(duration) / float64(total)
		// Each has its own stretch of time and begins in the first half of it.
		begin := float64(passed) + random.Float64()*float64(takes[i])/2
		events[i].at = time.Duration(begin * share)
		passed += takes[i]
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// breath is the least time between two events of a lane that are late.
const breath = 3 * time.Second

// follow makes the events of a lane happen until the duration is over. What has
// begun is brought to its end.
func follow(ctx context.Context, events []event, duration time.Duration, disturb func(context.Context, event)) {
	begin := time.Now()
	for i, e := range events {
		wait := e.at - time.Since(begin)
		if i > 0 {
			wait = max(wait, breath)
		}
		pause(ctx, wait)
		if ctx.Err() != nil || time.Since(begin) >= duration {
			return
		}
		disturb(ctx, e)
	}
}
