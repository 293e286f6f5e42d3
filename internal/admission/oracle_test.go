// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// oracle decides as the Ledger does: it looks at all resources each time, puts the
// queue into order with inTurn, and counts everything anew. The books are right if
// they say the same. It is another rule than that of the Ledger where this was wrong:
//
//   - what a resource means is what entryOf says: T1, T2, T5, and the accountRef of T3;
//   - who has asked an account stands in its queue until an event shows that it does not
//     wait, whatever account its status names, and who steps aside does not (T3);
//   - a request of this process holds a place until an event has shown it, and not again
//     when the resource goes elsewhere (T9);
//   - a request of another process counts in the window to its end, though its resource
//     shows another attempt by then, or is gone;
//   - a purchase that was made is missing in the balance until that was asked for again,
//     though its resource is gone;
//   - the order is the same whoever asks: those with a place are a lane of their own, and
//     all places in flight count as those of their namespaces;
//   - who is short of credits waits until there are enough, and not for a time.
type oracle struct {
	now func() time.Time
	// shown are the resources as the newest events have shown them; gone are those that are no more.
	shown map[types.UID]*v1alpha1.VideoGeneration
	gone  map[types.UID]bool
	// version is the newest of each that was shown, or asked.
	version map[types.UID]string
	// looked are those whose reconciles have asked or stepped aside.
	looked   map[types.UID]bool
	accounts map[types.NamespacedName]*oracleAccount
}

type oracleAccount struct {
	key       types.NamespacedName
	limits    limits
	known     bool
	refusal   *Refusal
	balance   *credits.Amount
	balanceAt time.Time
	purchases map[string]*oraclePurchase
	strangers map[string]time.Time
	// latest are the resources as they were shown or asked last.
	latest   map[types.UID]candidate
	asks     map[types.UID]string
	aside    map[types.UID]bool
	deferred map[types.UID]Refusal
	short    map[types.UID]credits.Amount
	told     map[types.UID]time.Time
}

type oraclePurchase struct {
	uid                types.UID
	namespace          string
	credits            credits.Amount
	answeredAt         time.Time
	holdsPlace, bought bool
}

func newOracle(now func() time.Time, keys ...types.NamespacedName) *oracle {
	o := &oracle{now: now, shown: map[types.UID]*v1alpha1.VideoGeneration{}, gone: map[types.UID]bool{}, version: map[types.UID]string{}, looked: map[types.UID]bool{}, accounts: map[types.NamespacedName]*oracleAccount{}}
	for _, key := range keys {
		o.accounts[key] = &oracleAccount{
			key: key, purchases: map[string]*oraclePurchase{}, strangers: map[string]time.Time{}, latest: map[types.UID]candidate{}, asks: map[types.UID]string{},
			aside: map[types.UID]bool{}, deferred: map[types.UID]Refusal{}, short: map[types.UID]credits.Amount{}, told: map[types.UID]time.Time{},
		}
	}
	return o
}

// entryFor is what the resource means for the account: nothing if it is of another one.
func (o *oracle) entryFor(a *oracleAccount, uid types.UID) entry {
	if vg := o.shown[uid]; vg != nil {
		if e := entryOf(vg); e.account == a.key {
			e.presumed = e.queued && !o.looked[uid]
			return e
		}
	}
	return entry{}
}

func (o *oracle) update(vg *v1alpha1.VideoGeneration) {
	if o.gone[vg.UID] || isOlder(vg.ResourceVersion, o.version[vg.UID]) {
		return
	}
	o.shown[vg.UID], o.version[vg.UID] = vg, vg.ResourceVersion
	e := entryOf(vg)
	for _, a := range o.accounts {
		if _, strange := a.strangers[e.attempt]; a.key == e.account && !e.gotBy.IsZero() && a.purchases[e.attempt] == nil && !strange {
			a.strangers[e.attempt] = e.gotBy
		}
		for attempt, p := range a.purchases {
			if p.uid == vg.UID && (e.deleted || attempt == e.attempt) {
				p.holdsPlace = false
			}
		}
		if over, asked := a.asks[vg.UID]; asked && (!e.mayAsk || e.attempt != over) {
			delete(a.asks, vg.UID)
		}
		a.latest[vg.UID] = e.candidate(false)
	}
	o.settle()
}

func (o *oracle) remove(uid types.UID) {
	o.gone[uid] = true
	delete(o.shown, uid)
	for _, a := range o.accounts {
		delete(a.asks, uid)
		delete(a.deferred, uid)
		a.giveUp(uid)
	}
	o.settle()
}

func (a *oracleAccount) giveUp(uid types.UID) {
	for _, p := range a.purchases {
		if p.uid == uid {
			p.holdsPlace = false
		}
	}
}

func (a *oracleAccount) holds(uid types.UID) bool {
	for _, p := range a.purchases {
		if p.uid == uid && p.holdsPlace {
			return true
		}
	}
	return false
}

func (o *oracle) stepAside(a *oracleAccount, uid types.UID) {
	delete(a.asks, uid)
	a.aside[uid] = true
}

func (o *oracle) waits(a *oracleAccount, uid types.UID) bool {
	_, asked := a.asks[uid]
	return (asked || (o.entryFor(a, uid).presumed && !a.aside[uid])) && !a.holds(uid)
}

// queueOf lists the resources that wait to buy and may try.
func (o *oracle) queueOf(a *oracleAccount) (queue []candidate) {
	for uid, c := range a.latest {
		_, deferred := a.deferred[uid]
		_, short := a.short[uid]
		if o.waits(a, uid) && !deferred && !short {
			c.hasPlace = o.entryFor(a, uid).hasPlace
			queue = append(queue, c)
		}
	}
	return queue
}

// inOrder is the queue in its order.
func (o *oracle) inOrder(a *oracleAccount) []candidate {
	busy := o.commitments(a, "").byNamespace
	var first, others []candidate
	for _, c := range o.queueOf(a) {
		if c.hasPlace {
			first = append(first, c)
		} else {
			others = append(others, c)
		}
	}
	inTurn(first, busy)
	inTurn(others, busy)
	return append(first, others...)
}

// commitments are what an account has in flight and has sent, without what the asking
// resource has in flight.
func (o *oracle) commitments(a *oracleAccount, me types.UID) commitments {
	c, now := commitments{byNamespace: map[string]int{}}, o.now()
	add := func(uid types.UID, namespace string) {
		if uid != me {
			c.inFlight++
			c.byNamespace[namespace]++
		}
	}
	for uid, vg := range o.shown {
		if o.entryFor(a, uid).hasPlace {
			add(uid, vg.Namespace)
		}
	}
	for _, gotBy := range a.strangers {
		if end := gotBy.Add(a.limits.window); end.After(now) {
			c.occupiedUntil = append(c.occupiedUntil, end)
		}
	}
	for _, p := range a.purchases {
		if p.answeredAt.IsZero() {
			c.occupiedUntil = append(c.occupiedUntil, now.Add(a.limits.window))
		} else if end := p.answeredAt.Add(a.limits.window); end.After(now) {
			c.occupiedUntil = append(c.occupiedUntil, end)
		}
		if p.holdsPlace {
			add(p.uid, p.namespace)
		}
	}
	return c
}

// available is the balance without what will be spent for sure.
func (o *oracle) available(a *oracleAccount, me types.UID) credits.Amount {
	sum := *a.balance
	for _, p := range a.purchases {
		if p.answeredAt.IsZero() || (p.bought && !p.answeredAt.Before(a.balanceAt)) {
			sum = sum.Minus(p.credits)
		}
	}
	for uid, vg := range o.shown {
		if price, ok := accounts.UpgradePrice(vg, a.limits.prices); ok && uid != me && (o.entryFor(a, uid).upgrade != upgrade{}) {
			sum = sum.Minus(price)
		}
	}
	return sum
}

func (a *oracleAccount) isRefused(now time.Time) bool {
	return a.refusal != nil && (a.refusal.Until.After(now) || Lasting(a.refusal.Class))
}

func (o *oracle) judge(a *oracleAccount, me types.UID, price credits.Amount) Verdict {
	now := o.now()
	if a.isRefused(now) {
		return Verdict{Refused: a.refusal.Class, RetryAfter: max(a.refusal.Until.Sub(now), time.Second)}
	}
	if d, ok := a.deferred[me]; ok {
		return Verdict{Refused: d.Class, Held: d.hold, RetryAfter: d.Until.Sub(now)}
	}
	if a.balance != nil && o.available(a, me).Less(price) {
		return Verdict{Short: true}
	}
	return admitInOrder(now, a.limits, o.commitments(a, me), o.inOrder(a), me)
}

// admitInOrder is admit for a queue that is in order.
func admitInOrder(now time.Time, l limits, c commitments, queue []candidate, me types.UID) Verdict {
	ahead := slices.IndexFunc(queue, func(q candidate) bool { return q.uid == me })
	ends := slices.DeleteFunc(slices.Clone(c.occupiedUntil), func(end time.Time) bool { return !end.After(now) })
	slices.SortFunc(ends, time.Time.Compare)
	freeInFlight, freeInWindow := l.inFlight-c.inFlight, l.submissions-len(ends)
	switch {
	case ahead < min(freeInFlight, freeInWindow):
		return Verdict{Admitted: true}
	case ahead >= freeInFlight:
		return Verdict{}
	}
	for range max(freeInWindow, 0) {
		ends = append(ends, now.Add(l.window))
	}
	behind := ahead - freeInWindow
	rounds, place := behind/len(ends), behind%len(ends)
	return Verdict{ByWindow: true, RetryAfter: ends[place].Sub(now) + time.Duration(rounds)*l.window}
}

func (o *oracle) setLimits(a *oracleAccount, l limits) {
	if !a.known || a.limits.generation != l.generation {
		clear(a.short)
		maps.DeleteFunc(a.deferred, func(_ types.UID, d Refusal) bool { return d.hold != nil && d.generation != l.generation })
	}
	a.limits, a.known = l, true
}

func (o *oracle) reserve(a *oracleAccount, l limits, me *v1alpha1.VideoGeneration, price credits.Amount, attempt string) Verdict {
	if o.gone[me.UID] {
		return Verdict{}
	}
	e := entryOf(me)
	for _, other := range o.accounts {
		if other != a {
			o.stepAside(other, me.UID)
		}
	}
	o.setLimits(a, l)
	o.looked[me.UID] = true
	if !isOlder(me.ResourceVersion, o.version[me.UID]) {
		o.version[me.UID] = me.ResourceVersion
	}
	a.giveUp(me.UID)
	a.asks[me.UID], a.latest[me.UID] = e.attempt, e.candidate(false)
	delete(a.aside, me.UID)
	delete(a.short, me.UID)
	delete(a.told, me.UID)
	v := o.judge(a, me.UID, price)
	switch {
	case v.Admitted:
		for _, other := range o.accounts {
			if other != a {
				other.giveUp(me.UID)
			}
		}
		a.purchases[attempt] = &oraclePurchase{uid: me.UID, namespace: me.Namespace, credits: price, holdsPlace: true}
	case v.Short:
		own, _ := accounts.UpgradePrice(me, a.limits.prices)
		if (o.entryFor(a, me.UID).upgrade == upgrade{}) {
			own = credits.Amount{}
		}
		a.short[me.UID] = price.Minus(own)
	}
	o.settle()
	return v
}

// ended is the end of a request that bought nothing.
func (o *oracle) ended(a *oracleAccount, uid types.UID) {
	if slices.ContainsFunc(o.queueOf(a), func(c candidate) bool { return c.uid == uid }) {
		a.told[uid] = o.now()
	}
	o.settle()
}

func (o *oracle) release(a *oracleAccount, attempt string) {
	p := a.purchases[attempt]
	delete(a.purchases, attempt)
	o.ended(a, p.uid)
}

func (o *oracle) answer(a *oracleAccount, attempt string, bought bool) {
	p := a.purchases[attempt]
	p.answeredAt, p.bought = o.now(), bought
	if !bought {
		p.holdsPlace = false
		o.ended(a, p.uid)
	}
	o.settle()
}

func (o *oracle) hold(a *oracleAccount, uid types.UID, why Refusal) {
	a.deferred[uid] = why
	o.settle()
}

func (a *oracleAccount) reopen(of types.UID, reason string) {
	maps.DeleteFunc(a.deferred, func(uid types.UID, d Refusal) bool {
		return d.hold != nil && d.hold.Reason == reason && (of == "" || uid == of)
	})
}

func (a *oracleAccount) refuse(r Refusal) {
	if a.refusal == nil || !Lasting(a.refusal.Class) || Lasting(r.Class) {
		a.refusal = &r
	}
}

// settle does what is due by the passing of time, and forgets what is known of
// resources that do not concern the account.
func (o *oracle) settle() {
	now := o.now()
	for _, a := range o.accounts {
		maps.DeleteFunc(a.deferred, func(_ types.UID, d Refusal) bool { return !d.Until.After(now) })
		for uid, at := range a.told {
			if !at.Add(turnLasts).After(now) {
				o.stepAside(a, uid)
			}
		}
		if a.balance == nil {
			clear(a.short)
		} else {
			available := o.available(a, "")
			maps.DeleteFunc(a.short, func(_ types.UID, needs credits.Amount) bool { return !available.Less(needs) })
		}
		unknown := func(uid types.UID) bool {
			_, asked := a.asks[uid]
			_, deferred := a.deferred[uid]
			return !asked && !deferred && !o.entryFor(a, uid).matters() && !a.holds(uid)
		}
		maps.DeleteFunc(a.short, func(uid types.UID, _ credits.Amount) bool { return unknown(uid) })
		maps.DeleteFunc(a.aside, func(uid types.UID, _ bool) bool { return unknown(uid) })
		queue := o.queueOf(a)
		maps.DeleteFunc(a.told, func(uid types.UID, _ time.Time) bool {
			return !slices.ContainsFunc(queue, func(c candidate) bool { return c.uid == uid })
		})
	}
}

// turns names the resources whose turn it is and that do not know it.
func (o *oracle) turns() (names []types.NamespacedName) {
	o.settle()
	for _, key := range slices.SortedFunc(maps.Keys(o.accounts), func(a, b types.NamespacedName) int { return compareText(a.String(), b.String()) }) {
		a := o.accounts[key]
		told := map[types.UID]time.Time{}
		for i, c := range o.inOrder(a) {
			commitments := o.commitments(a, c.uid)
			ends := slices.DeleteFunc(commitments.occupiedUntil, func(end time.Time) bool { return !end.After(o.now()) })
			if !a.known || a.isRefused(o.now()) || i >= min(a.limits.inFlight-commitments.inFlight, a.limits.submissions-len(ends)) {
				continue
			}
			if at, knows := a.told[c.uid]; knows {
				told[c.uid] = at
				continue
			}
			told[c.uid] = o.now()
			names = append(names, c.name)
		}
		a.told = told
	}
	return names
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// restart forgets what only the process knew.
func (o *oracle) restart() *oracle {
	next := newOracle(o.now, slices.Collect(maps.Keys(o.accounts))...)
	for _, vg := range o.shown {
		next.update(vg)
	}
	return next
}

var refusals = []kie.Class{kie.RateLimited, kie.Unavailable, kie.InsufficientCredits}
