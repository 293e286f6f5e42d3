// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"time"
)

// maxConcurrentDeliveries bounds the callbacks that are on their way at a time,
// so that a slow receiver holds up few others.
const maxConcurrentDeliveries = 128

// Run delivers the callbacks when they are due until the context ends, which is
// not an error. It waits in real time: under a fake clock call Deliver instead.
func (s *Simulator) Run(ctx context.Context) error {
	defer s.options.HTTPClient.CloseIdleConnections()
	couriers := newPool(maxConcurrentDeliveries)
	defer couriers.wait()
	for {
		if !s.dispatch(ctx, couriers) || !s.pause(ctx) {
			return nil
		}
	}
}

// dispatch starts every delivery that is due. It reports false if the context
// ended; what was not started stays in the outbox.
func (s *Simulator) dispatch(ctx context.Context, couriers *pool) bool {
	for ctx.Err() == nil {
		if !couriers.reserve(ctx) {
			return false
		}
		d, ok := s.takeDue()
		if !ok {
			couriers.release()
			return true
		}
		couriers.run(func() { s.deliver(ctx, d) })
	}
	return false
}

// pause waits until something is due or was added. It reports false if the
// context ended.
func (s *Simulator) pause(ctx context.Context) bool {
	var due <-chan time.Time
	if next, ok := s.NextEvent(); ok {
		timer := time.NewTimer(next.Sub(s.options.Now()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-due:
	case <-s.wake:
	}
	return true
}

// Deliver makes every delivery that is due, including the duplicates that become
// due meanwhile, and returns their number once all of them are answered. It stops
// early if the context ends.
func (s *Simulator) Deliver(ctx context.Context) int {
	defer s.options.HTTPClient.CloseIdleConnections()
	couriers := newPool(maxConcurrentDeliveries)
	made := 0
	for ctx.Err() == nil {
		started := 0
		for couriers.reserve(ctx) {
			d, ok := s.takeDue()
			if !ok {
				couriers.release()
				break
			}
			couriers.run(func() { s.deliver(ctx, d) })
			started++
		}
		couriers.wait()
		if started == 0 {
			break
		}
		made += started
	}
	return made
}

// NextEvent returns when the next task or upgrade finishes or the next callback is due. It
// reports false if nothing is to come. The time may be past.
func (s *Simulator) NextEvent() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.settle(s.options.Now())
	ending, running := s.ledger.ending.next()
	due, waiting := s.ledger.outbox.next()
	if !waiting || running && ending.Before(due) {
		return ending, running
	}
	return due, true
}

// takeDue removes the next delivery that is due from the outbox.
func (s *Simulator) takeDue() (delivery, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.outbox.pop(s.options.Now())
}
