// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// troublemaker makes disturbances happen and counts those that did.
type troublemaker struct {
	cluster  *cluster
	replicas []*replica
	log      io.Writer
	begin    time.Time

	mu         sync.Mutex
	counts     map[disturbance]int
	failed     []error
	twoLeaders time.Duration
	leaders    int
}

func newTroublemaker(c *cluster, replicas []*replica, log io.Writer) *troublemaker {
	return &troublemaker{cluster: c, replicas: replicas, log: log, begin: time.Now(), counts: map[disturbance]int{}}
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
		happened = t.way(ctx, e, cutting, 0, t.replicas[e.replica])
	case stall:
		happened = t.way(ctx, e, stalling, 0, t.replicas[e.replica])
	case slowAPI:
		happened = t.way(ctx, e, slowing, 50*time.Millisecond+e.length/50, t.replicas...)
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
	target := t.replicas[e.replica]
	if leader, other := leaderOf(t.replicas); leader != nil {
		if target = leader; !e.leader {
			target = other
		}
	}
	return eventually(ctx, time.Minute, "there is a process to kill", func(context.Context) bool { return target.kill() }) == nil
}

// stopLeader stops the leader until the other replica leads, and a while longer,
// and then lets it go on. For a time both believe that they lead.
func (t *troublemaker) stopLeader(ctx context.Context, e event) bool {
	var leader, other *replica
	if err := eventually(ctx, time.Minute, "a replica leads", func(context.Context) bool {
		leader, other = leaderOf(t.replicas)
		return leader != nil
	}); err != nil {
		return false
	}
	stopped, begin := leader.now(), time.Now()
	stopped.Signal(syscall.SIGSTOP)
	defer stopped.Signal(syscall.SIGCONT)
	if err := eventually(ctx, 2*time.Minute, "the other replica leads", func(context.Context) bool {
		life := other.now()
		return life.alive() && life.leads.Load()
	}); err != nil {
		return false
	}
	pause(ctx, e.length)
	long := time.Since(begin) > leaseDuration && other.now().alive() && other.now().leads.Load() && stopped.alive()
	resumed := time.Now()
	stopped.Signal(syscall.SIGCONT)
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
	d.kill()
	pause(ctx, down)
	if err := d.start(ctx); err != nil {
		t.fail(err)
		return false
	}
	return true
}

// way disturbs the way of some replicas to the API server for a while.
func (t *troublemaker) way(ctx context.Context, e event, m mode, delay time.Duration, replicas ...*replica) bool {
	for _, r := range replicas {
		r.proxy.set(m, delay)
	}
	pause(ctx, 5*time.Second+e.length)
	for _, r := range replicas {
		r.proxy.set(passing, 0)
	}
	return true
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

// shortfalls says which disturbances have not happened as often as they have to
// in a run of some length.
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
