// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// refusalDurations says for how long nothing is bought after KIE.AI refused an
// account. A refusal costs nothing, so the time only keeps the noise down.
var refusalDurations = map[kie.Class]time.Duration{
	kie.Unauthorized:        time.Minute,
	kie.InsufficientCredits: 5 * time.Minute,
	kie.KeyLimitReached:     5 * time.Minute,
	kie.Forbidden:           5 * time.Minute,
	kie.NotFound:            5 * time.Minute,
	kie.Maintenance:         2 * time.Minute,
}

// lasting reports whether a refusal ends only when KIE.AI has accepted the
// account again, and not by the passing of time alone.
func lasting(class kie.Class) bool {
	_, ok := refusalDurations[class]
	return ok
}

// refusalAdvice says what each refusal means and what to do. The texts are
// ours: KIE.AI's own vary from answer to answer.
var refusalAdvice = map[kie.Class]string{
	kie.Unauthorized:        "KIE.AI does not accept the API key: put a valid one into the Secret",
	kie.InsufficientCredits: "the balance is too low: buy credits at KIE.AI",
	kie.KeyLimitReached:     "a spending cap that is set on the API key at KIE.AI is used up: raise it",
	kie.Forbidden:           "a gateway turned the request away: check the address list of the API key and the way out of the cluster",
	kie.NotFound:            "there is no KIE.AI API at spec.baseURL: correct it",
	kie.Maintenance:         "KIE.AI is closed for maintenance",
	kie.RateLimited:         "KIE.AI says that too much was asked in too short a time: lower spec.limits if this goes on",
	kie.Unavailable:         "KIE.AI cannot be reached or gives no readable answer",
}

// waitingFor is what a resource waits for after a refusal of its account.
func waitingFor(class kie.Class, account *v1alpha1.KieAccount) waiting {
	advice, ok := refusalAdvice[class]
	if !ok {
		class, advice = kie.Unavailable, refusalAdvice[kie.Unavailable]
	}
	return waiting{kind: retrying, reason: string(class),
		message: fmt.Sprintf("KieAccount %s: %s", client.ObjectKeyFromObject(account), advice)}
}

// refuse notes a refusal and says what to wait for. A question about one task
// says less about the account than a purchase does: the record of that task may
// be what is sick.
func (r *VideoGenerationReconciler) refuse(l *scope, class kie.Class, apiKey string, buying bool) waiting {
	key := client.ObjectKeyFromObject(l.account)
	w := waitingFor(class, l.account)
	switch {
	case lasting(class):
		w.retryAfter = refusalDurations[class]
		r.Credentials.Invalidate(key)
		r.CheckAccount(key)
	case class == kie.RateLimited:
		window := l.account.Spec.Limits.Window.Duration
		w.retryAfter = window + jitter(l.vg.UID, window/2)
	default:
		class = kie.Unavailable
		w.retryAfter = pollAgainSoon
	}
	// A gateway may dislike this prompt only: the others do not wait for it.
	if class != kie.Forbidden && (buying || (class != kie.Unavailable && class != kie.NotFound)) {
		r.Ledger.Refuse(key, class, apiKey, w.retryAfter)
	}
	if buying {
		// When the account may buy again, the others go first: what was refused may be what this one asks for.
		w.retryAfter += w.retryAfter / 2
		r.Ledger.Defer(key, l.vg.UID, class, w.retryAfter)
	}
	return w
}

// failureReasons names the end of a task after each class of failure.
var failureReasons = map[kie.Class]string{
	kie.Invalid:          v1alpha1.ReasonInvalidRequest,
	kie.ContentRejected:  v1alpha1.ReasonContentRejected,
	kie.GenerationFailed: v1alpha1.ReasonGenerationFailed,
	kie.FeatureDisabled:  v1alpha1.ReasonFeatureDisabled,
	kie.SourceNotFound:   v1alpha1.ReasonSourceFailed,
}
