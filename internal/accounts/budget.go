// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/state"
)

// spendingPeriod is over which time the spending of an account without a budget is shown.
const spendingPeriod = 24 * time.Hour

// budgetResync is how often a video that the budget does not leave room for is
// looked at: what was charged may be given back.
const budgetResync = 5 * time.Minute

// PeriodOf is the start and the end of the period of the account's budget that
// now is in. Periods have no gap between them and the same borders for everybody.
// They have whole seconds, as the times in a status have.
func PeriodOf(account *v1alpha1.KieAccount, now time.Time) (start, end time.Time) {
	length := spendingPeriod
	if budget := account.Spec.Budget; budget != nil && budget.Period.Duration >= time.Minute {
		length = budget.Period.Truncate(time.Second)
	}
	start = now.UTC().Truncate(length)
	// Books that begin later than this clock says are gone on with: the clock of another leader was ahead, and a
	// period that began twice would be spent twice.
	if since := account.Status.CreditsSpentSince; since != nil && since.After(start) {
		start = since.UTC()
	}
	return start, start.Truncate(length).Add(length)
}

// CorrectStatus is the way out where a status cannot be read.
const CorrectStatus = "correct it with kubectl edit --subresource=status"

// spentIn is what the status says was spent in the period that begins at start,
// or an error as of ReadCredits. Both fields of the books are written together:
// one without the other was taken out by somebody, and is not a new beginning.
func spentIn(account *v1alpha1.KieAccount, start time.Time) (credits.Amount, error) {
	since, spent := account.Status.CreditsSpentSince, account.Status.CreditsSpent
	switch {
	case since == nil && spent == "":
		return credits.Amount{}, nil // nothing was spent yet
	case since == nil:
		return credits.Amount{}, fmt.Errorf("status.creditsSpentSince is missing beside status.creditsSpent: %s", CorrectStatus)
	case !since.Time.Equal(start):
		return credits.Amount{}, nil // that was in another period
	default:
		return ReadCredits("status.creditsSpent", spent, CorrectStatus)
	}
}

// budgetOf is what may be spent in a period by the budget of the account, which
// has one, or an error as of ReadCredits.
func budgetOf(account *v1alpha1.KieAccount) (credits.Amount, error) {
	return ReadCredits("spec.budget.credits", account.Spec.Budget.Credits, "correct it")
}

// Enter adds a change to the books in the status of an account, or says what it
// waits for.
func Enter(account *v1alpha1.KieAccount, change credits.Amount, bounded bool, now time.Time) state.Wait {
	start, end := PeriodOf(account, now)
	before, err := spentIn(account, start)
	if err != nil {
		return Unreadable(account, err)
	}
	spent := notNegative(before.Plus(change))
	if bounded && account.Spec.Budget != nil {
		limit, err := budgetOf(account)
		if err != nil {
			return Unreadable(account, err)
		}
		if limit.Less(spent) {
			w := overBudget(account, change, limit, end)
			w.RetryAfter = min(max(end.Sub(now), time.Second), budgetResync)
			return w
		}
	}
	account.Status.CreditsSpent = spent.String()
	account.Status.CreditsSpentSince = ptr.To(metav1.NewTime(start))
	return state.Wait{}
}

// notNegative is what was spent: more may be given back than the books have,
// where somebody has corrected them.
func notNegative(spent credits.Amount) credits.Amount {
	if spent.IsNegative() {
		return credits.Amount{}
	}
	return spent
}

func overBudget(account *v1alpha1.KieAccount, price, limit credits.Amount, opens time.Time) state.Wait {
	key := client.ObjectKeyFromObject(account)
	w := state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonBudgetExhausted}
	if limit.Less(price) {
		w.Message = fmt.Sprintf("the video costs %s credits, and KieAccount %s has a budget of %s: raise its spec.budget", price, key, limit)
		return w
	}
	w.Message = fmt.Sprintf("the video costs %s credits, which the budget of KieAccount %s does not leave: the next period begins at %s",
		price, key, opens.UTC().Format(time.RFC3339))
	return w
}
