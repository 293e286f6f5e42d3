// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/internal/credits"
)

// book is what is known of one account, in memory: who waits to buy, in which order,
// what is in flight, what was sent lately, and what will be spent for sure. Events
// about the resources keep it up to date, and this process adds what it does itself,
// until an event shows that too. Nothing in it grows with the resources that are
// finished, and no method looks at all of them.
//
// It is a data structure: it has no clock and no lock. The Till has both.
type book struct {
	account types.NamespacedName

	// limits is nil until somebody has said what the account allows; closed says that it cannot buy at all.
	limits *limits
	closed bool
	// refusal is why KIE.AI does not sell to the account, nil if it does.
	refusal *Refusal

	records map[types.UID]*record
	line    *line
	// places counts the places in flight, waiting the resources that wait to buy, held back or not.
	places, waiting int
	// requests are those to buy that count in the window, and those that hold a place, by attempt.
	requests map[string]*request
	window   window
	purse    *purse
	// deferrals is until when resources are held back, and held has those that the operator itself holds, by reason.
	deferrals *ranked[moment]
	held      map[string]map[types.UID]*record
	// told is since when resources know that it is their turn.
	told *ranked[moment]

	// stirred says that somebody's turn may have come since turns was asked.
	stirred bool
}

// record is what the book knows of one resource.
type record struct {
	uid types.UID
	// candidate is the resource as it stands, or would stand, in the queue.
	candidate *candidate
	// shown is what the last event showed, if it was about this account.
	shown entry
	// asked says that its reconcile has asked this account for a place, over the attempt that was current then.
	asked     bool
	askedOver string
	// aside says that it does not stand in the queue on presumption: its reconcile could not ask, or did not in its turn.
	aside bool
	// requests are its own that hold a place, because no event has shown them yet.
	requests []*request
	// deferred is why it may not try yet, and short what it waits for the balance for.
	deferred *Refusal
	short    *shortage
	// toldAt is when it was told that it is its turn; zero if it does not know.
	toldAt time.Time
	// inLine says that it stands in the queue, and waits that it counts as waiting.
	inLine, waits bool
}

// request is one attempt to buy, from its admission until it counts no more. Those of
// other processes are taken for answered.
type request struct {
	attempt   string
	uid       types.UID
	namespace string
	credits   credits.Amount
	// got is the latest moment at which KIE.AI may have got it; zero while there is no answer.
	got time.Time
}

func newBook(account types.NamespacedName) *book {
	return &book{
		account: account, records: map[types.UID]*record{}, line: newLine(), requests: map[string]*request{},
		window: window{got: newRanked(compareMoments)}, purse: newPurse(),
		deferrals: newRanked(compareMoments), held: map[string]map[types.UID]*record{}, told: newRanked(compareMoments),
	}
}

// update takes in what an event has shown of a resource. The same event again changes
// nothing. An event that is about another account says that the resource has left
// this one.
func (b *book) update(now time.Time, e entry) {
	here := e.account == b.account
	if here {
		b.noteStranger(now, e)
	}
	r := b.records[e.uid]
	if r == nil {
		if !here || !e.matters() {
			return
		}
		r = b.record(e.uid)
	}
	if e.deleted {
		b.giveUp(r)
	}
	for _, own := range r.requests {
		if own.attempt == e.attempt {
			b.vacate(r, own) // from now on the resource says whether it is at work, wherever it goes
			break
		}
	}
	if r.asked && (!e.mayAsk || e.attempt != r.askedOver) {
		r.asked = false
	}
	shown := entry{}
	if here {
		shown = e
	}
	b.show(r, shown)
	b.stand(r, e)
	b.forgetUnknown(r)
	b.relieve()
}

// noteStranger counts a request of another process in the window. When KIE.AI got it
// is not known, only that it was no later than its time limit.
func (b *book) noteStranger(now time.Time, e entry) {
	if e.gotBy.IsZero() || b.requests[e.attempt] != nil || !e.gotBy.Add(b.windowLength()).After(now) {
		return
	}
	b.requests[e.attempt] = &request{attempt: e.attempt, uid: e.uid, namespace: e.name.Namespace, got: e.gotBy}
	b.window.got.insert(moment{at: e.gotBy, of: e.attempt})
	b.stirred = true
}

// longestWindow is the longest that a KieAccount may have.
const longestWindow = time.Hour

func (b *book) windowLength() time.Duration {
	if b.limits == nil {
		return longestWindow
	}
	return b.limits.window
}

// record returns the record of a resource, a new one if there is none.
func (b *book) record(uid types.UID) *record {
	r := b.records[uid]
	if r == nil {
		r = &record{uid: uid}
		b.records[uid] = r
	}
	return r
}

// show replaces what was shown of a resource, and counts the difference.
func (b *book) show(r *record, shown entry) {
	before := r.shown
	r.shown = shown
	switch {
	case before.hasPlace && !shown.hasPlace:
		b.work(before.name.Namespace, -1)
	case shown.hasPlace && !before.hasPlace:
		b.work(shown.name.Namespace, 1)
	}
	if before.upgrade != shown.upgrade {
		b.stirred = true
		for what, by := range map[upgrade]int{before.upgrade: -1, shown.upgrade: 1} {
			if what != (upgrade{}) {
				count(b.purse.due, what, by)
			}
		}
	}
}

// work changes how many places in flight a namespace has.
func (b *book) work(namespace string, by int) {
	b.places += by
	b.line.work(namespace, by)
	b.stirred = true
}

// stand puts a resource where it belongs in the queue, as it is now, or takes it out.
// With the zero entry, the resource is as it was.
func (b *book) stand(r *record, e entry) {
	waits := (r.asked || r.shown.queued) && len(r.requests) == 0
	stands := waits && (r.asked || (r.shown.presumed && !r.aside)) && r.deferred == nil && r.short == nil
	now := r.candidate
	if e.uid != "" {
		if c := e.candidate(r.shown.hasPlace); now == nil || *now != c {
			now = &c
		}
	}
	switch {
	case waits && !r.waits:
		b.waiting++
	case r.waits && !waits:
		b.waiting--
	}
	r.waits = waits
	if r.inLine && (!stands || now != r.candidate) {
		b.line.remove(r.candidate)
		r.inLine, b.stirred = false, true
	}
	r.candidate = now
	if stands && !r.inLine {
		b.line.add(r.candidate)
		r.inLine, b.stirred = true, true
	}
	if !r.inLine {
		b.tell(r, time.Time{})
	}
}

// tell notes since when a resource knows that it is its turn; zero if it does not.
func (b *book) tell(r *record, at time.Time) {
	if !r.toldAt.IsZero() {
		b.told.remove(moment{at: r.toldAt, of: string(r.uid)})
	}
	if r.toldAt = at; !at.IsZero() {
		b.told.insert(moment{at: at, of: string(r.uid)})
	}
}

// knows reports whether the book has anything about a resource.
func (b *book) knows(uid types.UID) bool { return b.records[uid] != nil }

// forgetUnknown forgets the record of a resource of which nothing is known.
func (b *book) forgetUnknown(r *record) {
	if !r.asked && !r.shown.matters() && len(r.requests) == 0 && r.deferred == nil {
		b.enough(r)
		b.stand(r, entry{})
		delete(b.records, r.uid)
	}
}

// stepAside takes a resource out of the queue that cannot buy for now. It stands in
// the queue again when it asks for a place.
func (b *book) stepAside(uid types.UID) {
	r := b.records[uid]
	if r == nil {
		return
	}
	r.asked, r.aside = false, true
	b.stand(r, entry{})
	b.forgetUnknown(r)
}

// leave takes a resource out of the queue that has bought on another account, and
// frees the places of its requests here.
func (b *book) leave(uid types.UID) {
	if r := b.records[uid]; r != nil {
		b.giveUp(r)
		b.stepAside(uid)
	}
}

// remove forgets a resource that is gone. What it has sent still counts in the window.
func (b *book) remove(uid types.UID) {
	r := b.records[uid]
	if r == nil {
		return
	}
	b.giveUp(r)
	b.undefer(r)
	r.asked = false
	b.show(r, entry{})
	b.stand(r, entry{})
	b.forgetUnknown(r)
	b.relieve()
}

// giveUp frees the places of the requests of a resource that no event has shown.
func (b *book) giveUp(r *record) {
	for len(r.requests) > 0 {
		b.vacate(r, r.requests[0])
	}
}

// pass does what is due by the passing of time.
func (b *book) pass(now time.Time) {
	for first, ok := b.deferrals.first(); ok && !first.at.After(now); first, ok = b.deferrals.first() {
		b.undefer(b.records[types.UID(first.of)])
	}
	for first, ok := b.told.first(); ok && !first.at.Add(turnLasts).After(now); first, ok = b.told.first() {
		b.stepAside(types.UID(first.of)) // the others do not wait for one that does not come
	}
	// A request is remembered for as long as it would be taken for one of another process.
	for first, ok := b.window.got.first(); ok && !first.at.Add(strangersCount+b.windowLength()).After(now); first, ok = b.window.got.first() {
		b.window.got.remove(first)
		if b.purse.balance == nil {
			b.purse.drop(payment{moment: first, price: b.requests[first.of].credits})
		}
		delete(b.requests, first.of)
	}
}

// replaced returns the book of another account that has the same name now. What KIE.AI
// has said to the one before, and what that has sent, is not about this one; the
// resources that name the account are.
func (b *book) replaced(now time.Time) *book {
	next := newBook(b.account)
	for uid, r := range b.records {
		asked := r.asked && len(r.requests) == 0
		if !asked && !r.shown.matters() {
			continue
		}
		e := r.shown
		e.gotBy = time.Time{}
		with := next.record(uid)
		with.asked, with.askedOver, with.aside, with.candidate = asked, r.askedOver, r.aside, r.candidate
		if e.uid != "" {
			next.update(now, e)
		} else {
			next.stand(with, entry{})
		}
	}
	return next
}
