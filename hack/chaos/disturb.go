// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// troublemaker makes disturbances happen and counts those that did.
type troublemaker struct {
	cluster *cluster
	fleet   *fleet
	storage *testenv.S3
	log     io.Writer
	begin   time.Time

	// stopping is held while a leader is stopped: nobody kills it, or the one that is to take its place.
	stopping sync.Mutex

	mu         sync.Mutex
	counts     map[disturbance]int
	outages    []outage
	failed     []error
	twoLeaders time.Duration
	leaders    int
}

func newTroublemaker(c *cluster, f *fleet, storage *testenv.S3, log io.Writer) *troublemaker {
	return &troublemaker{cluster: c, fleet: f, storage: storage, log: log, begin: time.Now(), counts: map[disturbance]int{}}
}

// disturb makes one disturbance happen, from its beginning to its end.
func (t *troublemaker) disturb(ctx context.Context, e event) {
	t.say("%s", e.what)
	happened := false
	switch e.what {
	case killManager:
		happened = t.kill(ctx, e)
	case stopLeader:
		happened = t.stopLeader(ctx, e)
	case restartAPI:
		happened = t.restart(ctx, t.cluster.api, e.length)
	case restartEtcd:
		happened = t.restart(ctx, t.cluster.etcd, e.length/2)
	case cutOff:
		happened = t.disturbNetwork(ctx, e, cutting, 0, t.fleet.replicas[e.replica])
	case stall:
		happened = t.disturbNetwork(ctx, e, stalling, 0, t.fleet.replicas[e.replica])
	case slowAPI:
		happened = t.disturbNetwork(ctx, e, slowing, 50*time.Millisecond+e.length/50, t.fleet.replicas...)
	case restartStorage:
		happened = t.restartStorage(ctx, e.length)
	case rollOut:
		happened = t.rollOut(ctx)
	}
	if !happened {
		t.say("%s: could not be made to happen", e.what)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[e.what]++
}

// kill kills a manager: the leader or the other one, or either if none leads.
func (t *troublemaker) kill(ctx context.Context, e event) bool {
	t.stopping.Lock()
	defer t.stopping.Unlock()
	target := t.fleet.replicas[e.replica]
	if leader, other := t.fleet.leader(); leader != nil {
		if target = leader; !e.leader {
			target = other
		}
	}
	return eventually(ctx, time.Minute, "there is a process to kill", func(context.Context) bool { return target.now().kill() }) == nil
}

// stopLeader stops the leader until the other replica leads, and a while longer,
// and then lets it go on. For a time both believe that they lead.
func (t *troublemaker) stopLeader(ctx context.Context, e event) bool {
	t.stopping.Lock()
	defer t.stopping.Unlock()
	var leader, other *replica
	if err := eventually(ctx, time.Minute, "a replica leads", func(context.Context) bool {
		leader, other = t.fleet.leader()
		return leader != nil
	}); err != nil {
		return false
	}
	stopped, begin := leader.now(), time.Now()
	release := stopped.hold()
	defer release()
	if err := eventually(ctx, 2*time.Minute, "the other replica leads", func(context.Context) bool {
		p := other.now()
		return p.alive() && p.leads.Load()
	}); err != nil {
		return false
	}
	pause(ctx, e.length)
	long := time.Since(begin) > leaseDuration && other.now().alive() && other.now().leads.Load() && stopped.alive()
	resumed := time.Now()
	release()
	select {
	case <-stopped.Ended():
		t.mu.Lock()
		defer t.mu.Unlock()
		t.twoLeaders += time.Since(resumed)
		t.leaders++
	case <-time.After(time.Minute):
		t.fail(fmt.Errorf("%s went on as a second leader for more than a minute", leader.name))
	}
	return long
}

// restart kills a part of the control plane and starts it again after a while.
func (t *troublemaker) restart(ctx context.Context, d *daemon, down time.Duration) bool {
	defer t.outage("")()
	d.kill()
	pause(ctx, down)
	if err := d.start(ctx); err != nil {
		t.fail(err)
		return false
	}
	return true
}

// restartStorage kills the S3 server, in the middle of what it stores, and starts it
// again after a while.
func (t *troublemaker) restartStorage(ctx context.Context, down time.Duration) bool {
	t.storage.Kill()
	pause(ctx, down)
	if err := t.storage.Restart(); err != nil { //nolint:contextcheck // it waits for as long as it takes
		t.fail(err)
		return false
	}
	return true
}

// disturbNetwork disturbs the connections of some replicas to the API server for a
// while.
func (t *troublemaker) disturbNetwork(ctx context.Context, e event, m mode, delay time.Duration, replicas ...*replica) bool {
	for _, r := range replicas {
		if m != slowing {
			defer t.outage(r.name)() //nolint:gocritic // they end together, when this returns
		}
		r.proxy.set(m, delay)
	}
	pause(ctx, 5*time.Second+e.length)
	for _, r := range replicas {
		r.proxy.set(passing, 0)
	}
	return true
}

// replaceTries is how often rollOut tries to replace a process. A try fails if the
// process has ended before it gets its SIGTERM.
const replaceTries = 3

// rollOut replaces both managers, one after the other.
func (t *troublemaker) rollOut(ctx context.Context) bool {
	for _, r := range t.fleet.replicas {
		replaced := false
		for try := 0; try < replaceTries && !replaced && ctx.Err() == nil; try++ {
			var err error
			if replaced, err = r.replace(ctx); err != nil {
				t.fail(err)
			}
		}
		if !replaced {
			return false
		}
	}
	return true
}

// outage notes that a replica, or with an empty name both, cannot reach the API
// server from now until the returned function is called.
func (t *troublemaker) outage(replica string) (over func()) {
	begin := time.Now()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.outages = append(t.outages, outage{replica: replica, from: begin, to: time.Now()})
	}
}

func (t *troublemaker) fail(err error) {
	t.say("%v", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = append(t.failed, err)
}

func (t *troublemaker) say(format string, args ...any) {
	fmt.Fprintf(t.log, "%7.1fs  %s\n", time.Since(t.begin).Seconds(), fmt.Sprintf(format, args...))
}

// shortfalls names the disturbances that have happened less often than a run of this
// length demands.
func (t *troublemaker) shortfalls(duration time.Duration) (short []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, lane := range lanes {
		for _, q := range lane {
			if least := q.leastIn(duration); t.counts[q.what] < least {
				short = append(short, fmt.Sprintf("%s: %d times, at least %d are wanted", q.what, t.counts[q.what], least))
			}
		}
	}
	return short
}
