// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// isRefused reports whether KIE.AI does not sell to the account for now.
func (b *book) isRefused(now time.Time) bool {
	return b.refusal != nil && (b.refusal.Until.After(now) || Lasting(b.refusal.Class))
}

// refuse notes that KIE.AI has refused the account.
func (b *book) refuse(r Refusal) {
	if standing := b.refusal; standing != nil && Lasting(standing.Class) && !Lasting(r.Class) {
		return // a refusal that passes by itself does not replace one that somebody has to put right
	}
	b.refusal, b.stirred = &r, true
}

// allow ends a refusal. If its cause is known to be gone, the resources that were
// refused may try again at once; else they let the others go first.
func (b *book) allow(causeGone bool) {
	b.refusal, b.stirred = nil, true
	if causeGone {
		for first, ok := b.deferrals.first(); ok; first, ok = b.deferrals.first() {
			b.undefer(b.records[types.UID(first.of)])
		}
	}
}

// hold keeps a resource from trying again for a while, and out of the queue.
func (b *book) hold(uid types.UID, why Refusal) {
	r := b.record(uid)
	b.clearDeferral(r)
	r.deferred = &why
	b.deferrals.insert(moment{at: why.Until, of: string(uid)})
	if reason := heldFor(why); reason != "" {
		if b.held[reason] == nil {
			b.held[reason] = map[types.UID]*record{}
		}
		b.held[reason][uid] = r
	}
	b.stirred = true // there is another time at which somebody's turn may come
	b.stand(r, entry{})
}

// heldFor is the reason for which the operator itself holds a resource back; empty if
// KIE.AI has refused it.
func heldFor(why Refusal) string {
	if why.hold == nil {
		return ""
	}
	return why.hold.Reason
}

// undefer lets a resource try again that was held back.
func (b *book) undefer(r *record) {
	b.clearDeferral(r)
	b.stand(r, entry{})
	b.forgetUnknown(r)
}

func (b *book) clearDeferral(r *record) {
	if r.deferred == nil {
		return
	}
	b.deferrals.remove(moment{at: r.deferred.Until, of: string(r.uid)})
	if reason := heldFor(*r.deferred); reason != "" {
		if delete(b.held[reason], r.uid); len(b.held[reason]) == 0 {
			delete(b.held, reason)
		}
	}
	r.deferred = nil
}

// unhold lets one resource try again that is held for the reason.
func (b *book) unhold(uid types.UID, reason string) {
	if r := b.held[reason][uid]; r != nil {
		b.undefer(r)
	}
}

// reopen lets all try again that are held for the reason.
func (b *book) reopen(reason string) {
	for _, r := range b.held[reason] {
		b.undefer(r)
	}
}
