// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// check asks KIE.AI for the balance of the account, which also proves the key,
// and decides whether the account can buy. If unread is not nil, a number of
// its credits cannot be read, and it cannot buy.
func (r *Reconciler) check(ctx context.Context, account *v1alpha1.KieAccount, last check, unread error) (check, error) {
	next := check{generation: account.Generation, at: r.Clock.Now(), unread: unread != nil,
		credits: last.credits, keysKnown: last.keysKnown, signed: last.signed, wroteAt: last.wroteAt}
	if problem := r.problem(account); problem.Reason != "" {
		next.ready = problem
		return next, nil
	}
	// A person who corrects a Secret looks at the account to see whether it helped: never judge an old key.
	secrets, err := r.Credentials.Refresh(ctx, account)
	var unusable *credentials.Error
	switch {
	case errors.As(err, &unusable):
		next.ready = notReady(unusable.Reason, unusable.Message)
		return next, nil
	case err != nil:
		return next, err
	}
	next.keysKnown, next.signed = true, len(secrets.WebhookKeys) > 0

	balance, err := r.KIE.Credits(ctx, accounts.Endpoint(account, secrets.APIKey))
	if ctx.Err() != nil {
		return next, ctx.Err()
	}
	answer := answeredBalance{credits: balance, err: err, before: last.credits}
	if prices, err := accounts.PricesOf(account); err == nil {
		answer.cheapest, _ = prices.Cheapest() // KIE.AI's own prices are in it
	}
	key := client.ObjectKeyFromObject(account)
	refused, isRefused := r.Ledger.Refused(key)
	if over, causeGone := refusalOver(refused, answer, secrets.APIKey, next.at); isRefused && over {
		r.Ledger.Allow(key, causeGone)
		isRefused = false
	}
	if err == nil {
		next.credits = &balance
		r.Ledger.SetBalance(key, balance, next.at)
	}
	if !isRefused {
		refused.Class = ""
	}
	current := meta.FindStatusCondition(account.Status.Conditions, v1alpha1.ConditionReady)
	if current != nil && current.Reason == v1alpha1.ReasonUnreadableCredits {
		current = nil // it says nothing about KIE.AI's answer
	}
	next.ready = unlessHeld(judgeAccount(answer, refused.Class, current, account.Generation), account, unread)
	return next, nil
}

// unlessHeld returns the Ready condition as it is, unless it is True and nothing
// may be bought all the same: because a number of credits cannot be read, or
// because the account is suspended.
func unlessHeld(ready metav1.Condition, account *v1alpha1.KieAccount, unread error) metav1.Condition {
	switch {
	case ready.Status != metav1.ConditionTrue:
		return ready
	case unread != nil:
		return notReady(v1alpha1.ReasonUnreadableCredits, "nothing is bought: "+unread.Error())
	case state.IsAccountSuspended(account):
		return notReady(v1alpha1.ReasonSuspended, "spec.suspend holds back all that would be spent; what is bought is brought to its end")
	default:
		return ready
	}
}

// problem finds what is wrong with the spec.
func (r *Reconciler) problem(account *v1alpha1.KieAccount) metav1.Condition {
	if problem := accounts.Insecure(account, r.AllowInsecure); problem != "" {
		return notReady(v1alpha1.ReasonInsecureBaseURL, problem)
	}
	if selector := account.Spec.AllowedNamespaces.Selector; selector != nil {
		if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
			return notReady(v1alpha1.ReasonInvalidSelector, "spec.allowedNamespaces.selector cannot be used: "+err.Error())
		}
	}
	return metav1.Condition{}
}

// answeredBalance is KIE.AI's answer to the question for the balance.
type answeredBalance struct {
	credits credits.Amount
	err     error
	// before is the balance that was known before, if any.
	before *credits.Amount
	// cheapest is the price of the cheapest video.
	cheapest credits.Amount
}

// refusalOver reports whether the account may try again after a refusal: its
// time is over and KIE.AI speaks to it, or its cause is gone.
func refusalOver(refused admission.Refusal, balance answeredBalance, apiKey string, now time.Time) (over, causeGone bool) {
	if balance.err != nil {
		return false, false
	}
	richer := refused.Class == kie.InsufficientCredits && balance.before != nil && balance.before.Less(balance.credits)
	causeGone = richer || refused.APIKey != apiKey
	return causeGone || !now.Before(refused.Until), causeGone
}

// judgeAccount decides whether the account can buy. Trouble that says nothing
// about the account leaves the judgement as it was.
func judgeAccount(balance answeredBalance, refused kie.Class, current *metav1.Condition, generation int64) metav1.Condition {
	var failure *kie.Error
	class := refused
	if errors.As(balance.err, &failure) {
		class = failure.Class
	}
	if admission.Lasting(class) {
		return notReady(string(class), admission.RefusalAdvice[class])
	}
	if balance.err == nil && balance.credits.Less(balance.cheapest) {
		return notReady(string(kie.InsufficientCredits), admission.RefusalAdvice[kie.InsufficientCredits])
	}
	if balance.err == nil {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable,
			Message: "KIE.AI accepts the API key"}
	}
	if current != nil && current.ObservedGeneration == generation {
		return *current
	}
	return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: string(kie.Unavailable),
		Message: admission.RefusalAdvice[kie.Unavailable]}
}

func notReady(reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}
