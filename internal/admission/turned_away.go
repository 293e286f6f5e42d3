// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/state"
)

// QueueResync is how often a resource in the queue is reconciled if nothing wakes it.
const QueueResync = 30 * time.Second

// TurnedAway is what a purchase waits for that was not admitted.
func TurnedAway(v Verdict, account *v1alpha1.KieAccount, price credits.Amount) state.Wait {
	key := v1alpha1.IdentityOf(account)
	switch {
	case v.Short:
		return state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonInsufficientCredits, RetryAfter: accounts.BalanceEveryBusy, Message: fmt.Sprintf(
			"the video costs %s credits, and the balance of KieAccount %s is lower: buy credits at KIE.AI", price, key)}
	case v.Held != nil:
		w := *v.Held
		w.RetryAfter = v.RetryAfter
		return w
	case v.Refused != "":
		w := WaitingFor(v.Refused, account)
		w.RetryAfter = v.RetryAfter
		return w
	}
	w := state.Wait{Reason: v1alpha1.ReasonQueued, RetryAfter: QueueResync, Message: fmt.Sprintf(
		"waiting for a turn on KieAccount %s, which allows %d submissions in %s and %d videos in flight",
		key, account.Spec.Limits.Submissions, account.Spec.Limits.Window.Duration, account.Spec.Limits.InFlight)}
	if v.ByWindow {
		w.RetryAfter = v.RetryAfter
	}
	return w
}
