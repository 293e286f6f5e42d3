// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// RefusalDurations says for how long nothing is bought after KIE.AI refused an
// account. A refusal costs nothing, so the times only keep requests few.
var RefusalDurations = map[kie.Class]time.Duration{
	kie.Unauthorized:        time.Minute,
	kie.InsufficientCredits: 5 * time.Minute,
	kie.KeyLimitReached:     5 * time.Minute,
	kie.Forbidden:           5 * time.Minute,
	kie.NotFound:            5 * time.Minute,
	kie.Maintenance:         2 * time.Minute,
}

// Lasting reports whether a refusal ends only when KIE.AI has accepted the
// account again, and not by the passing of time alone.
func Lasting(class kie.Class) bool {
	_, ok := RefusalDurations[class]
	return ok
}

// RefusalAdvice says what each refusal means and what to do. The texts are
// ours: KIE.AI's own vary from answer to answer.
var RefusalAdvice = map[kie.Class]string{
	kie.Unauthorized:        "KIE.AI does not accept the API key: put a valid one into the Secret",
	kie.InsufficientCredits: "the balance is too low: buy credits at KIE.AI",
	kie.KeyLimitReached:     "a spending cap that is set on the API key at KIE.AI is used up: raise it",
	kie.Forbidden:           "a gateway turned the request away: check the address list of the API key and the way out of the cluster",
	kie.NotFound:            "there is no KIE.AI API at spec.baseURL: correct it",
	kie.Maintenance:         "KIE.AI is closed for maintenance",
	kie.RateLimited:         "KIE.AI says that too much was asked in too short a time: lower spec.limits if this goes on",
	kie.Unavailable:         "KIE.AI cannot be reached or gives no readable answer",
}

// WaitingFor is what a resource waits for after a refusal of its account.
func WaitingFor(class kie.Class, account *v1alpha1.KieAccount) state.Wait {
	advice, ok := RefusalAdvice[class]
	if !ok {
		class, advice = kie.Unavailable, RefusalAdvice[kie.Unavailable]
	}
	return state.Wait{Kind: state.Retrying, Reason: string(class),
		Message: fmt.Sprintf("KieAccount %s: %s", v1alpha1.IdentityOf(account), advice)}
}
