// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// reply is what came of one question to KIE.AI. The zero value is an answer.
type reply struct {
	// refusal is what KIE.AI, or something in front of it, said instead of an answer.
	refusal *kie.Error
	// unasked is what a question waits for that was not put.
	unasked state.Wait
	// apiKey is the key it was asked with. It is for comparing with the next one, and nothing else.
	apiKey string
}

// answered reports whether the question was answered.
func (a reply) answered() bool { return a.refusal == nil && a.unasked.Reason == "" }

// question puts one question to KIE.AI with the key of an account. It fails if it
// is told to stop, or by a mistake of the operator's own.
func (r *Reconciler) question(ctx context.Context, account *v1alpha1.KieAccount, put func(context.Context, kie.Endpoint) error) (reply, error) {
	secrets, err := r.Credentials.Get(ctx, account)
	if problem, ok := errors.AsType[*credentials.Error](err); ok {
		return reply{unasked: withoutCredentials(account, problem)}, nil
	} else if err != nil {
		return reply{}, err
	}
	err = put(ctx, accounts.Endpoint(account, secrets.APIKey))
	refusal, ok := errors.AsType[*kie.Error](err)
	switch {
	case err == nil:
		return reply{}, nil
	case ctx.Err() != nil:
		return reply{}, ctx.Err()
	case !ok:
		return reply{}, err
	default:
		return reply{refusal: refusal, apiKey: secrets.APIKey}, nil
	}
}

// withoutCredentials says what to wait for when the account's Secret cannot be used.
func withoutCredentials(account *v1alpha1.KieAccount, problem *credentials.Error) state.Wait {
	return state.Wait{Kind: state.Retrying, Reason: problem.Reason, RetryAfter: time.Minute,
		Message: "KieAccount " + client.ObjectKeyFromObject(account).String() + ": " + problem.Message}
}

// conversation is what this process knows of its questions about one thing: when
// KIE.AI has answered, what is in the way, and when to ask again.
type conversation struct {
	// answeredAt is when KIE.AI last answered; zero if it never did.
	answeredAt time.Time
	// askAt is when to ask again out of turn; zero if there is no need.
	askAt time.Time
	// trouble is why the last question had no answer that says something, since troubledSince.
	trouble       state.Wait
	troubledSince time.Time
	// doubtedSince is when the answers began that would end what is asked about if they were confirmed.
	doubtedSince time.Time
	// callback is the receipt that was last followed.
	callback metav1.MicroTime
}

// turn is what decides when a question is due.
type turn struct {
	schedule state.Schedule
	// since is when this process began to keep the schedule, and end when it is given up: after that it is asked once more.
	since, end time.Time
	// receipt is the callback about it, nil if there is none.
	receipt *v1alpha1.CallbackReceipt
	// givenUp says that only a callback, or the user, makes it worth a question.
	givenUp bool
}

// due reports whether it is time to ask: because somebody wants to know, for a
// callback that was not followed yet, or by the schedule.
func (c *conversation) due(now time.Time, t turn) bool {
	if !c.askAt.IsZero() {
		return !c.askAt.After(now)
	}
	if t.receipt != nil && !c.callback.Equal(&t.receipt.ReceivedAt) {
		return true
	}
	if t.givenUp {
		return false
	}
	last := t.since
	if c.answeredAt.After(last) {
		last = c.answeredAt
	}
	return !t.schedule.Next(last).After(now) || (!now.Before(t.end) && c.answeredAt.Before(t.end))
}

// answered notes an answer, for which the callback, if there is one, was followed.
func (c *conversation) answered(now time.Time, receipt *v1alpha1.CallbackReceipt) {
	c.answeredAt, c.askAt = now, time.Time{}
	c.trouble, c.troubledSince = state.Wait{}, time.Time{}
	if receipt != nil {
		c.callback = receipt.ReceivedAt
	}
}

// troubled notes why there was no answer, and returns what to wait for: the
// longer the trouble, the rarer the question.
func (c *conversation) troubled(now time.Time, w state.Wait) state.Wait {
	if c.troubledSince.IsZero() {
		c.troubledSince = now
	} else {
		w.RetryAfter = max(w.RetryAfter, min(now.Sub(c.troubledSince), state.PollEveryWithCallbacks))
	}
	c.trouble, c.askAt = w, now.Add(w.RetryAfter)
	return w
}

// confirmed reports whether answers that would end what is asked about have been
// all that was heard for a while.
func (c *conversation) confirmed(now time.Time) bool {
	if c.doubtedSince.IsZero() {
		c.doubtedSince = now
	}
	return now.Sub(c.doubtedSince) >= state.ConfirmAfter
}
