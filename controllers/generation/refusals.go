// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// refusedPurchase notes that KIE.AI has refused a purchase, and says what the next
// one waits for. The others of the account go first then: what was refused may be
// what this one asks for.
func (r *Reconciler) refusedPurchase(account *v1alpha1.KieAccount, uid types.UID, class kie.Class, apiKey string) state.Wait {
	key := client.ObjectKeyFromObject(account)
	w, class := r.afterRefusal(account, uid, class)
	if class != kie.Forbidden { // a gateway may dislike this prompt only: the others do not wait for it
		r.Ledger.Refuse(key, class, apiKey, w.RetryAfter)
	}
	w.RetryAfter += w.RetryAfter / 2
	r.Ledger.Defer(key, uid, class, w.RetryAfter)
	return w
}

// refusedQuestion notes that a question was refused, and says what the next one
// waits for. It says less about the account than a purchase does: the record of
// that task may be what is sick.
func (r *Reconciler) refusedQuestion(account *v1alpha1.KieAccount, uid types.UID, class kie.Class, apiKey string) state.Wait {
	w, class := r.afterRefusal(account, uid, class)
	if class != kie.Forbidden && class != kie.Unavailable && class != kie.NotFound {
		r.Ledger.Refuse(client.ObjectKeyFromObject(account), class, apiKey, w.RetryAfter)
	}
	return w
}

// afterRefusal is what to wait for after a refusal, and as which it counts. The
// account is looked at where the refusal is about it.
func (r *Reconciler) afterRefusal(account *v1alpha1.KieAccount, uid types.UID, class kie.Class) (state.Wait, kie.Class) {
	key := client.ObjectKeyFromObject(account)
	w := admission.WaitingFor(class, account)
	switch {
	case admission.Lasting(class):
		w.RetryAfter = admission.RefusalDurations[class]
		r.Credentials.Invalidate(key)
		r.CheckAccount(key)
	case class == kie.RateLimited:
		window := account.Spec.Limits.Window.Duration
		w.RetryAfter = window + state.Jitter(uid, window/2)
	default:
		class = kie.Unavailable
		w.RetryAfter = state.PollAgainSoon
	}
	return w, class
}
