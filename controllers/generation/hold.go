// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/state"
)

// candidate is what is known of a purchase that is to be made.
type candidate struct {
	vg *v1alpha1.VideoGeneration
	// account is the one that is to pay.
	account *v1alpha1.KieAccount
	// source is what stands in the way of the video that is to be continued; empty if nothing does.
	source state.Wait
	// made counts the purchases that were made, or may have been, and allowed those that spec.retry and the user
	// have asked for, with this one.
	made, allowed int32
}

// hold is what a purchase waits for before its turn counts, and whether it does:
// the user, the account, or the bound on what a resource may buy.
func (c candidate) hold(now time.Time) (state.Wait, bool) {
	if state.NeedsSource(c.vg) {
		return c.source, true
	}
	if state.IsSuspended(c.vg) {
		return state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: heldBack(c.vg)}, true
	}
	if state.IsAccountSuspended(c.account) {
		return suspendedBy(c.account), true
	}
	if _, err := accounts.Readable(c.account, now); err != nil {
		return accounts.Unreadable(c.account, err), true
	}
	if w, ready := accounts.ReadyAccount(c.account); !ready {
		return w, true
	}
	if c.made >= c.allowed {
		return purchaseLimit(c.made, c.allowed), true
	}
	return state.Wait{}, false
}

// heldBack says what resuming costs, which is what people suspend for.
func heldBack(vg *v1alpha1.VideoGeneration) string {
	if vg.Status.EstimatedCredits == "" {
		return "spec.suspend holds the purchase back"
	}
	return fmt.Sprintf("spec.suspend holds the purchase back, which would cost %s credits", vg.Status.EstimatedCredits)
}

// suspendedBy is what a purchase waits for whose account is suspended.
func suspendedBy(account *v1alpha1.KieAccount) state.Wait {
	return state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: fmt.Sprintf(
		"KieAccount %s is suspended: its spec.suspend holds the purchase back", client.ObjectKeyFromObject(account))}
}

// purchaseLimitResync is how soon a resource that may buy no more is in the queue again.
const purchaseLimitResync = 10 * time.Minute

// purchaseLimit says that no more may be bought for a resource: as much was
// bought, or may have been, as spec.retry and the user have asked for. It is a
// bound on what a mistake anywhere else can cost.
func purchaseLimit(made, allowed int32) state.Wait {
	return state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPurchaseLimitReached, RetryAfter: purchaseLimitResync, Message: fmt.Sprintf(
		"%d purchases were made or may have been, and spec.retry.maxAttempts and annotation %s allow %d: look at status.history and kie.ai/logs; to buy again, set %s to the attempt in status.task, or raise spec.retry.maxAttempts",
		made, v1alpha1.AnnotationResubmit, allowed, v1alpha1.AnnotationResubmit)}
}
