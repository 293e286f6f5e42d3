// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// on changes the book of one account, and lets the others go on meanwhile.
func (t *Till) on(key types.NamespacedName, change func(now time.Time, b *book)) {
	t.mu.Lock()
	lb := t.bookOf(key)
	lb.mu.Lock()
	t.mu.Unlock()
	change(t.clock.Now(), lb.book)
	t.unlock(lb)
}

// Release gives a place back that was never used: nothing was sent.
func (t *Till) Release(key types.NamespacedName, attempt string) {
	t.on(key, func(now time.Time, b *book) { b.release(now, attempt) })
}

// Answered notes that a purchase has had its answer. It counts in the window from now
// on; running says whether it may have led to a task.
func (t *Till) Answered(key types.NamespacedName, attempt string, running bool) {
	t.on(key, func(now time.Time, b *book) { b.answer(now, attempt, running) })
}

// SetBalance notes the balance of an account, as it was at some moment after KIE.AI
// was asked for it.
func (t *Till) SetBalance(key types.NamespacedName, balance credits.Amount, asked time.Time) {
	t.on(key, func(_ time.Time, b *book) { b.setBalance(balance, asked) })
}

// Defer keeps one resource from trying again for a while, and out of the way of the
// others.
func (t *Till) Defer(key types.NamespacedName, uid types.UID, class kie.Class, duration time.Duration) {
	t.on(key, func(now time.Time, b *book) { b.hold(uid, Refusal{Class: class, At: now, Until: now.Add(duration)}) })
}

// Hold keeps one resource from trying again until its time is over or the spec of the
// account changes, and out of the way of the others.
func (t *Till) Hold(account *v1alpha1.KieAccount, uid types.UID, w state.Wait) {
	t.on(v1alpha1.IdentityOf(account).Key(), func(now time.Time, b *book) {
		b.hold(uid, Refusal{At: now, Until: now.Add(w.RetryAfter), hold: &w, generation: account.Generation})
	})
}

// Unhold lets one resource try again that was held for the reason.
func (t *Till) Unhold(account *v1alpha1.KieAccount, uid types.UID, reason string) {
	t.on(v1alpha1.IdentityOf(account).Key(), func(_ time.Time, b *book) { b.unhold(uid, reason) })
}

// Reopen lets the resources try again that were held for the reason, which may not
// hold any more.
func (t *Till) Reopen(key types.NamespacedName, reason string) {
	t.on(key, func(_ time.Time, b *book) { b.reopen(reason) })
}

// Refuse notes that KIE.AI refused the account, for as long as that usually lasts.
func (t *Till) Refuse(key types.NamespacedName, class kie.Class, apiKey string, duration time.Duration) {
	t.on(key, func(now time.Time, b *book) {
		b.refuse(Refusal{Class: class, At: now, Until: now.Add(duration), APIKey: apiKey})
	})
}

// Refused returns why the account cannot buy for the moment.
func (t *Till) Refused(key types.NamespacedName) (refusal Refusal, refused bool) {
	t.on(key, func(_ time.Time, b *book) {
		if b.refusal != nil {
			refusal, refused = *b.refusal, true
		}
	})
	return refusal, refused
}

// Allow ends a refusal. If its cause is known to be gone, the resources that were
// refused may try again at once; else they let the others go first.
func (t *Till) Allow(key types.NamespacedName, causeGone bool) {
	t.on(key, func(_ time.Time, b *book) { b.allow(causeGone) })
}

// Counts are how many places in flight an account has given away, and how many
// resources wait to buy on it, also those that may not try yet.
func (t *Till) Counts(key types.NamespacedName) (inFlight, waiting int) {
	t.on(key, func(_ time.Time, b *book) { inFlight, waiting = b.places, b.waiting })
	return inFlight, waiting
}

// PlaceOf is where a resource stands in the queue of an account; ok is false if it
// does not stand there.
func (t *Till) PlaceOf(key types.NamespacedName, uid types.UID) (place Place, ok bool) {
	t.on(key, func(now time.Time, b *book) { place, ok = b.place(now, uid) })
	return place, ok
}
