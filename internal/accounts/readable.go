// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// ReadCredits reads a number of credits in a field of a spec or a status. The
// error is a sentence that names the field and ends with the way out.
func ReadCredits(field, text, wayOut string) (credits.Amount, error) {
	amount, err := credits.Parse(text)
	if err != nil {
		return credits.Amount{}, fmt.Errorf("%s cannot be read, because %w: %s", field, err, wayOut)
	}
	return amount, nil
}

// Readable returns the price table of an account, if every number that a purchase
// is checked against can be read: its prices, its budget and what it has spent.
// What cannot be read is never taken for 0. The error names the field, and says
// what to do.
func Readable(account *v1alpha1.KieAccount, now time.Time) (kie.Prices, error) {
	prices, err := PricesOf(account)
	if err != nil {
		return nil, err
	}
	if account.Spec.Budget != nil {
		if _, err := budgetOf(account); err != nil {
			return nil, err
		}
	}
	start, _ := PeriodOf(account, now)
	if _, err := spentIn(account, start); err != nil {
		return nil, err
	}
	return prices, nil
}

// Unreadable is what a purchase waits for if a number in its account cannot be read.
func Unreadable(account *v1alpha1.KieAccount, err error) state.Wait {
	return state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonUnreadableCredits, RetryAfter: budgetResync,
		Message: fmt.Sprintf("nothing is bought on KieAccount %s: its %s", client.ObjectKeyFromObject(account), err)}
}
