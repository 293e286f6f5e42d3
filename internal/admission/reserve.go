// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"time"

	"github.com/kie-operator/kie-operator/internal/credits"
)

// reserve decides whether a resource may buy now and, if so, takes the place for the
// attempt. Whoever asks is able to buy, and stands in the queue from now on, until it
// is admitted, steps aside, or an event shows that it does not wait.
func (b *book) reserve(now time.Time, l limits, e entry, price credits.Amount, attempt string) Verdict {
	b.pass(now)
	b.setLimits(l)
	r := b.record(e.uid)
	b.giveUp(r) // whoever asks to buy has given up what it has bought before
	r.asked, r.askedOver, r.aside, r.shown.presumed = true, e.attempt, false, false
	b.enough(r)
	b.tell(r, time.Time{})
	b.stand(r, e)

	v := b.judge(now, r, price)
	switch {
	case v.Admitted:
		b.begin(r, &request{attempt: attempt, uid: r.uid, namespace: e.name.Namespace, credits: price})
	case v.Short:
		b.fallShort(r, price)
	}
	return v
}

// judge decides whether a resource that has asked may buy now. It changes nothing.
func (b *book) judge(now time.Time, r *record, price credits.Amount) Verdict {
	switch {
	case b.isRefused(now):
		return Verdict{Refused: b.refusal.Class, RetryAfter: max(b.refusal.Until.Sub(now), time.Second)}
	case r.deferred != nil:
		return Verdict{Refused: r.deferred.Class, Held: r.deferred.hold, RetryAfter: r.deferred.Until.Sub(now)}
	case b.isShort(r, price):
		return Verdict{Short: true}
	}
	// Its own place does not count: it asks to buy again because nothing came of that.
	inFlight := b.limits.inFlight - b.places + b.ownPlaces(r)
	inWindow := b.window.free(now, *b.limits)
	if b.line.isWithin(r.candidate, min(inFlight, inWindow)) {
		return Verdict{Admitted: true}
	}
	ahead := b.line.ahead(r.candidate)
	if ahead >= inFlight {
		return Verdict{}
	}
	return Verdict{ByWindow: true, RetryAfter: b.window.wait(now, *b.limits, max(ahead, inWindow))}
}

// ownPlaces is how many places in flight a resource takes up.
func (b *book) ownPlaces(r *record) int {
	if r.shown.hasPlace {
		return 1 + len(r.requests)
	}
	return len(r.requests)
}

// begin takes a place for a request that is about to be made.
func (b *book) begin(r *record, q *request) {
	b.requests[q.attempt] = q
	b.window.unanswered++
	count(b.purse.unsettled, q.credits, 1)
	r.requests = append(r.requests, q)
	b.work(q.namespace, 1)
	b.stand(r, entry{})
}

// vacate frees the place of a request.
func (b *book) vacate(r *record, q *request) {
	for i := range r.requests {
		if r.requests[i] == q {
			r.requests = append(r.requests[:i:i], r.requests[i+1:]...)
			b.work(q.namespace, -1)
			return
		}
	}
}

// unanswered returns the request of this process for an attempt that has had no
// answer, and the record of its resource, nil if that is forgotten.
func (b *book) unanswered(attempt string) (*request, *record) {
	q := b.requests[attempt]
	if q == nil || !q.got.IsZero() {
		return nil, nil
	}
	return q, b.records[q.uid]
}

// release gives a place back that was never used: nothing was sent.
func (b *book) release(now time.Time, attempt string) {
	q, r := b.unanswered(attempt)
	if q == nil {
		return
	}
	delete(b.requests, attempt)
	b.window.unanswered--
	count(b.purse.unsettled, q.credits, -1)
	b.ended(now, r, q)
}

// answer notes that a request had its answer. It counts in the window from now on;
// bought says whether it may have led to a task.
func (b *book) answer(now time.Time, attempt string, bought bool) {
	q, r := b.unanswered(attempt)
	if q == nil {
		return
	}
	q.got = now
	b.window.unanswered--
	b.window.got.insert(moment{at: now, of: attempt})
	b.stirred = true // the window opens at a time that is known now
	if bought {
		b.purse.answered.insert(payment{moment: moment{at: now, of: attempt}, price: q.credits})
		return
	}
	count(b.purse.unsettled, q.credits, -1)
	b.ended(now, r, q)
}

// ended frees what a request took up that bought nothing. Its resource knows whether
// it is its turn again: it is not told so, and has turnLasts to come back.
func (b *book) ended(now time.Time, r *record, q *request) {
	b.stirred = true
	if r != nil {
		b.vacate(r, q)
		b.stand(r, entry{})
		if r.inLine {
			b.tell(r, now)
		}
		b.forgetUnknown(r)
	}
	b.relieve()
}

// isShort reports whether the balance is too low for a resource. What will be spent
// on its own upgrade is in its price.
func (b *book) isShort(r *record, price credits.Amount) bool {
	available, known := b.purse.available()
	return known && available.Less(b.needs(r, price))
}

// needs is what has to be available for a resource to buy.
func (b *book) needs(r *record, price credits.Amount) credits.Amount {
	return price.Minus(b.purse.priceOf(r.shown.upgrade))
}

// fallShort takes a resource out of the queue until the balance may be enough for it.
func (b *book) fallShort(r *record, price credits.Amount) {
	r.short = &shortage{needs: b.needs(r, price), uid: r.uid}
	b.purse.short.insert(*r.short)
	b.stand(r, entry{})
}

// enough says that a resource does not wait for the balance.
func (b *book) enough(r *record) {
	if r.short != nil {
		b.purse.short.remove(*r.short)
		r.short = nil
	}
}

// relieve puts those back into the queue for whom the balance is enough now.
func (b *book) relieve() {
	if b.purse.short.len() == 0 {
		return
	}
	available, known := b.purse.available()
	for first, ok := b.purse.short.first(); ok && (!known || !available.Less(first.needs)); first, ok = b.purse.short.first() {
		r := b.records[first.uid]
		b.enough(r)
		b.stand(r, entry{})
	}
}

// setBalance notes what KIE.AI said when it was asked for the balance at a time.
func (b *book) setBalance(balance credits.Amount, asked time.Time) {
	b.purse.settle(balance, asked)
	b.relieve()
}

// setLimits notes what the account allows. With another spec of the account, those
// that were held back or too expensive may try again.
func (b *book) setLimits(l limits) {
	if b.limits != nil && b.limits.generation == l.generation && b.limits.submissions == l.submissions && b.limits.window == l.window && b.limits.inFlight == l.inFlight {
		b.purse.prices = l.prices
		return
	}
	b.limits, b.purse.prices, b.stirred = &l, l.prices, true
	for _, resources := range b.held {
		for _, r := range resources {
			if r.deferred.generation != l.generation {
				b.undefer(r)
			}
		}
	}
	for first, ok := b.purse.short.first(); ok; first, ok = b.purse.short.first() {
		r := b.records[first.uid]
		b.enough(r)
		b.stand(r, entry{})
	}
}
