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

// spendingPeriod is the period over which the spending of an account without a
// budget is shown.
const spendingPeriod = 24 * time.Hour

// budgetResync is how often a video that the budget does not leave room for is
// looked at: what was charged may be given back.
const budgetResync = 5 * time.Minute

// PeriodOf returns the start and the end of the account's present budget period.
// Periods follow each other without a gap, and are the same for all accounts with
// the same length. They begin at whole seconds, as the times in a status do.
func PeriodOf(account *v1alpha1.KieAccount, now time.Time) (start, end time.Time) {
	length := spendingPeriod
	if budget := account.Spec.Budget; budget != nil && budget.Period.Duration >= time.Minute {
		length = budget.Period.Truncate(time.Second)
	}
	start = now.UTC().Truncate(length)
	// If the status says that a later period has begun, that one counts: the clock of another leader was ahead, and
	// a period that began twice would be spent twice.
	if since := account.Status.CreditsSpentSince; since != nil && since.After(start) {
		start = since.UTC()
	}
	return start, start.Truncate(length).Add(length)
}

// CorrectStatus says what to do where a number in a status cannot be read.
const CorrectStatus = "correct it with kubectl edit --subresource=status"

// spentIn is what the status says was spent in the period that begins at start,
// or an error as of ReadCredits. creditsSpent and creditsSpentSince are written
// together: where one of them is missing, somebody has removed it, and that does
// not mean that nothing was spent.
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

// budgetOf is what may be spent in a period of an account that has a budget, or an
// error as of ReadCredits.
func budgetOf(account *v1alpha1.KieAccount) (credits.Amount, error) {
	return ReadCredits("spec.budget.credits", account.Spec.Budget.Credits, "correct it")
}

// Enter adds an amount to the books in the status of an account: creditsSpent and
// the times beside it. If the books cannot be read, or bounded is true and the
// budget does not allow it, it changes nothing and returns what the purchase waits
// for.
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

// notNegative returns the amount, or zero if it is negative: more may be given back
// than the books have, where somebody has corrected them.
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
