// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// refuse notes a refusal and says what to wait for. A question about one task
// says less about the account than a purchase does: the record of that task may
// be what is sick.
func (r *Reconciler) refuse(l *scope, class kie.Class, apiKey string, buying bool) state.Wait {
	key := client.ObjectKeyFromObject(l.account)
	w := admission.WaitingFor(class, l.account)
	switch {
	case admission.Lasting(class):
		w.RetryAfter = admission.RefusalDurations[class]
		r.Credentials.Invalidate(key)
		r.CheckAccount(key)
	case class == kie.RateLimited:
		window := l.account.Spec.Limits.Window.Duration
		w.RetryAfter = window + state.Jitter(l.vg.UID, window/2)
	default:
		class = kie.Unavailable
		w.RetryAfter = state.PollAgainSoon
	}
	// A gateway may dislike this prompt only: the others do not wait for it.
	if class != kie.Forbidden && (buying || (class != kie.Unavailable && class != kie.NotFound)) {
		r.Ledger.Refuse(key, class, apiKey, w.RetryAfter)
	}
	if buying {
		// When the account may buy again, the others go first: what was refused may be what this one asks for.
		w.RetryAfter += w.RetryAfter / 2
		r.Ledger.Defer(key, l.vg.UID, class, w.RetryAfter)
	}
	return w
}
