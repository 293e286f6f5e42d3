// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// SubmitTimeout bounds a purchase. It is shorter than the grace period of the
// manager, so that a purchase that has begun is always finished.
const SubmitTimeout = 20 * time.Second

// Ledger remembers, in memory, what this process has bought on each account
// and how KIE.AI has refused it. It knows what the cached view of the resources
// does not show yet. What a restart loses, the resources show.
type Ledger struct {
	clock clock.PassiveClock

	mu       sync.Mutex
	accounts map[types.NamespacedName]*accountLedger
	// books has the books of each account by its identity: an account that is created again has books of its own.
	books map[v1alpha1.AccountIdentity]*books
}

type accountLedger struct {
	// uid is which account of that name it is; empty until it was looked at.
	uid       types.UID
	purchases map[string]*purchase // by attempt
	refusal   *Refusal
	// deferred are the resources that were refused while their account was not, until they may try again.
	deferred map[types.UID]Refusal
	// balance is what KIE.AI said, when it was asked at balanceAt; nil if it never was.
	balance   *credits.Amount
	balanceAt time.Time
	// said are the sentences that SayOnce has let pass.
	said map[string]bool
}

// purchase is one attempt to buy, from its admission until it counts no more.
type purchase struct {
	uid       types.UID
	namespace string
	// credits are what it costs.
	credits credits.Amount
	// begunAt is when it was admitted.
	begunAt time.Time
	// answeredAt is when the answer came; zero while there is none.
	answeredAt time.Time
	// running says that the purchase may have led to a task.
	running bool
}

// Refusal is KIE.AI's word that an account cannot buy for a while.
type Refusal struct {
	Class kie.Class
	At    time.Time
	Until time.Time
	// APIKey is the key that was refused: a refusal ends when the account has another key.
	APIKey string
	// hold is what a resource waits for that the operator itself held back, and generation that of the account's
	// spec then: another spec ends the hold.
	hold       *state.Wait
	generation int64
}

// NewLedger returns an empty ledger.
func NewLedger(clk clock.PassiveClock) *Ledger {
	return &Ledger{clock: clk, accounts: map[types.NamespacedName]*accountLedger{}, books: map[v1alpha1.AccountIdentity]*books{}}
}

func (l *Ledger) account(key types.NamespacedName) *accountLedger {
	a := l.accounts[key]
	if a == nil {
		a = &accountLedger{purchases: map[string]*purchase{}, deferred: map[types.UID]Refusal{}}
		l.accounts[key] = a
	}
	return a
}

// Reserve decides whether a resource may buy now and, if so, takes the place
// for the attempt in the same moment. The view is the cached list of the
// account's resources. Release gives a reserved place back, and Answered says
// what came of it.
func (l *Ledger) Reserve(key types.NamespacedName, lim limits, view []v1alpha1.VideoGeneration, me *v1alpha1.VideoGeneration, price credits.Amount, attempt string) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	a := l.account(key)
	if refused := a.refusal; refused != nil && (refused.Until.After(now) || Lasting(refused.Class)) {
		return Verdict{Refused: refused.Class, RetryAfter: max(refused.Until.Sub(now), time.Second)}
	}
	maps.DeleteFunc(a.deferred, func(_ types.UID, d Refusal) bool { return !d.Until.After(now) })
	maps.DeleteFunc(a.deferred, func(_ types.UID, d Refusal) bool { return d.hold != nil && d.generation != lim.generation })
	if refused, ok := a.deferred[me.UID]; ok {
		return Verdict{Refused: refused.Class, Held: refused.hold, RetryAfter: refused.Until.Sub(now)}
	}
	for _, p := range a.purchases {
		if p.uid == me.UID {
			p.running = false // this resource has given up its earlier attempts
		}
	}
	// The balance is asked for often enough to stop a purchase before KIE.AI refuses it.
	c := a.commitments(now, lim.window, view, me.UID)
	if a.balance != nil && a.balance.Minus(a.unsettled()).Minus(lim.upgradesDue(view, me.UID)).Less(price) {
		return Verdict{Short: true}
	}
	v := admit(now, lim, c, a.queue(view, me), me.UID)
	if v.Admitted {
		l.leave(me.UID) // it has given up its purchases on other accounts, too
		a.purchases[attempt] = &purchase{uid: me.UID, namespace: me.Namespace, credits: price, begunAt: now, running: true}
	}
	return v
}

// unsettled are the credits of purchases that the balance may not show yet.
func (a *accountLedger) unsettled() (sum credits.Amount) {
	for _, p := range a.purchases {
		if p.answeredAt.IsZero() || (p.running && !p.answeredAt.Before(a.balanceAt)) {
			sum = sum.Plus(p.credits)
		}
	}
	return sum
}

// SetBalance notes the balance of an account, as it was at some moment after
// KIE.AI was asked for it.
func (l *Ledger) SetBalance(key types.NamespacedName, balance credits.Amount, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(key).balance, l.account(key).balanceAt = &balance, asked
}

// commitments joins what the resources show with what this process knows beyond
// that. What the asking resource itself has in flight does not count: it asks to
// buy again because nothing came of that.
func (a *accountLedger) commitments(now time.Time, window time.Duration, view []v1alpha1.VideoGeneration, me types.UID) commitments {
	c := commitments{byNamespace: map[string]int{}}
	shown := map[string]bool{}
	for i := range view {
		task := view[i].Status.Task
		if task == nil {
			continue
		}
		shown[task.Attempt] = true
		if state.AtWork(&view[i]) && view[i].UID != me {
			c.inFlight++
			c.byNamespace[view[i].Namespace]++
		}
		if _, known := a.purchases[task.Attempt]; !known && !state.IsAdopted(task) {
			// Bought by an earlier process: when KIE.AI got it is not known, only that it was no later than
			// its time limit. The stored time has whole seconds.
			if end := task.SubmittedAt.Add(strangersCount + window); end.After(now) {
				c.occupiedUntil = append(c.occupiedUntil, end)
			}
		}
	}
	for attempt, p := range a.purchases {
		if p.answeredAt.IsZero() {
			c.occupiedUntil = append(c.occupiedUntil, now.Add(window))
		} else if end := p.answeredAt.Add(window); end.After(now) {
			c.occupiedUntil = append(c.occupiedUntil, end)
		} else if a.canForget(p, shown[attempt], now.Add(-window)) {
			delete(a.purchases, attempt)
			continue
		}
		if p.running && !shown[attempt] {
			c.inFlight++
			c.byNamespace[p.namespace]++
		}
	}
	return c
}

// strangersCount is how long after its stored time a purchase of another process may
// have reached KIE.AI: its time limit, and one second, because the stored time has
// no fractions.
const strangersCount = time.Second + SubmitTimeout

// canForget reports whether a purchase is no longer needed: it has left the window,
// which began at windowBegan, the resources show it, and the balance has taken it
// into account. It is kept while it would otherwise be taken for a purchase of
// another process, which counts for longer.
func (a *accountLedger) canForget(p *purchase, shown bool, windowBegan time.Time) bool {
	switch {
	case !shown:
		return !p.running
	case p.begunAt.Add(strangersCount).After(windowBegan):
		return false
	case !p.running:
		return true
	default:
		return a.balance == nil || p.answeredAt.Before(a.balanceAt)
	}
}

// Release gives a place back that was never used: nothing was sent.
func (l *Ledger) Release(key types.NamespacedName, attempt string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.account(key).purchases, attempt)
}

// Answered notes that a purchase has had its answer. It counts in the window
// from now on; running says whether it may have led to a task.
func (l *Ledger) Answered(key types.NamespacedName, attempt string, running bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.account(key).purchases[attempt]; p != nil {
		p.answeredAt, p.running = l.clock.Now(), running
	}
}

// queue lists the resources that wait to buy, me among them, without those that
// may not try again yet.
func (a *accountLedger) queue(view []v1alpha1.VideoGeneration, me *v1alpha1.VideoGeneration) []candidate {
	return slices.DeleteFunc(queueOf(view, me), func(c candidate) bool {
		_, deferred := a.deferred[c.uid]
		return deferred
	})
}

// Defer keeps one resource from trying again for a while, and out of the way of
// the others.
func (l *Ledger) Defer(key types.NamespacedName, uid types.UID, class kie.Class, duration time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.account(key).deferred[uid] = Refusal{Class: class, At: now, Until: now.Add(duration)}
}

// Hold keeps one resource from trying again until its time is over or the spec
// of the account changes, and out of the way of the others.
func (l *Ledger) Hold(account *v1alpha1.KieAccount, uid types.UID, w state.Wait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	key := types.NamespacedName{Namespace: account.Namespace, Name: account.Name}
	l.account(key).deferred[uid] = Refusal{At: now, Until: now.Add(w.RetryAfter), hold: &w, generation: account.Generation}
}

// Unhold lets one resource try again that was held for the reason.
func (l *Ledger) Unhold(account *v1alpha1.KieAccount, uid types.UID, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	deferred := l.account(types.NamespacedName{Namespace: account.Namespace, Name: account.Name}).deferred
	if d, ok := deferred[uid]; ok && d.hold != nil && d.hold.Reason == reason {
		delete(deferred, uid)
	}
}

// Forget frees the places in flight of a resource that is gone. What it bought
// still counts in the window.
func (l *Ledger) Forget(uid types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(uid)
}

// leave frees the places in flight of a resource on every account.
func (l *Ledger) leave(uid types.UID) {
	for _, a := range l.accounts {
		for _, p := range a.purchases {
			if p.uid == uid {
				p.running = false
			}
		}
	}
}

// Reopen lets the resources try again that were held for the reason, which may not
// hold any more.
func (l *Ledger) Reopen(key types.NamespacedName, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.account(key).deferred, func(_ types.UID, d Refusal) bool { return d.hold != nil && d.hold.Reason == reason })
}

// Refuse notes that KIE.AI refused the account, for as long as that usually lasts.
func (l *Ledger) Refuse(key types.NamespacedName, class kie.Class, apiKey string, duration time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if standing := l.account(key).refusal; standing != nil && Lasting(standing.Class) && !Lasting(class) {
		return // a refusal that passes by itself does not replace one that somebody has to put right
	}
	l.account(key).refusal = &Refusal{Class: class, At: now, Until: now.Add(duration), APIKey: apiKey}
}

// Refused returns why the account cannot buy for the moment.
func (l *Ledger) Refused(key types.NamespacedName) (Refusal, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.account(key).refusal; r != nil {
		return *r, true
	}
	return Refusal{}, false
}

// Allow ends a refusal. If its cause is known to be gone, the resources that
// were refused may try again at once; else they let the others go first.
func (l *Ledger) Allow(key types.NamespacedName, causeGone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(key).refusal = nil
	if causeGone {
		clear(l.account(key).deferred)
	}
}
