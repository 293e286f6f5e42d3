// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
)

func TestJudgeAccount(t *testing.T) {
	available := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable, Message: "KIE.AI accepts the API key"}
	unknown := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: "Unavailable", Message: admission.RefusalAdvice[kie.Unavailable]}
	not := func(class kie.Class) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: string(class), Message: admission.RefusalAdvice[class]}
	}
	at := func(c metav1.Condition, generation int64) *metav1.Condition {
		c.ObservedGeneration = generation
		return &c
	}
	answers := func(class kie.Class) error {
		return fmt.Errorf("asking for the balance: %w", &kie.Error{Class: class, Code: 499})
	}
	for _, tt := range []struct {
		reason  string
		err     error
		refused kie.Class
		current *metav1.Condition
		want    metav1.Condition
	}{
		{reason: "KIE.AI tells the balance", want: available},
		{reason: "KIE.AI tells the balance again", current: at(not(kie.Unauthorized), 2), want: available},
		{reason: "KIE.AI tells the balance, but has refused to sell", refused: kie.InsufficientCredits, current: at(available, 2), want: not(kie.InsufficientCredits)},
		{reason: "too fast: that passes by itself and is not the account's fault", refused: kie.RateLimited, want: available},
		{reason: "away for a moment: that passes by itself", refused: kie.Unavailable, want: available},
		{reason: "KIE.AI does not accept the key", err: answers(kie.Unauthorized), current: at(available, 2), want: not(kie.Unauthorized)},
		{reason: "the newer refusal counts", err: answers(kie.Maintenance), refused: kie.InsufficientCredits, want: not(kie.Maintenance)},
		{reason: "no answer, and nothing is known", err: answers(kie.Unavailable), want: unknown},
		{reason: "no answer says nothing about the account", err: answers(kie.Unavailable), current: at(available, 2), want: *at(available, 2)},
		{reason: "no answer says nothing about the account", err: answers(kie.Unavailable), current: at(not(kie.Unauthorized), 2), want: *at(not(kie.Unauthorized), 2)},
		{reason: "no answer, and what is known is of another spec", err: answers(kie.Unavailable), current: at(available, 1), want: unknown},
		{reason: "asked too fast: what is known stays", err: answers(kie.RateLimited), current: at(available, 2), want: *at(available, 2)},
		{reason: "a strange answer: what is known stays", err: answers(kie.GenerationFailed), current: at(available, 2), want: *at(available, 2)},
		{reason: "an error that is not KIE.AI's: what is known stays", err: context.DeadlineExceeded, current: at(available, 2), want: *at(available, 2)},
		{reason: "an error that is not KIE.AI's, after a refusal", err: context.DeadlineExceeded, refused: kie.Forbidden, current: at(available, 2), want: not(kie.Forbidden)},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got := judgeAccount(answeredBalance{credits: credits.Of(100), err: tt.err}, tt.refused, tt.current, 2)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Ready (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("every refusal that lasts is said", func(t *testing.T) {
		for class := range admission.RefusalDurations {
			for _, got := range []metav1.Condition{
				judgeAccount(answeredBalance{err: answers(class)}, "", at(available, 2), 2),
				judgeAccount(answeredBalance{credits: credits.Of(100)}, class, at(available, 2), 2),
			} {
				if diff := cmp.Diff(not(class), got); diff != "" {
					t.Errorf("%s: Ready (-want +got):\n%s", class, diff)
				}
			}
		}
	})
}

func TestRefusalOver(t *testing.T) {
	during, after := fixture.Epoch.Add(time.Minute-time.Nanosecond), fixture.Epoch.Add(time.Minute)
	away := &kie.Error{Class: kie.Unavailable}
	for _, tt := range []struct {
		reason  string
		class   kie.Class
		balance answeredBalance
		key     string
		now     time.Time
		want    bool
	}{
		{reason: "its time is not over", class: kie.Forbidden, key: "refused", now: during},
		{reason: "its time is over", class: kie.Forbidden, key: "refused", now: after, want: true},
		{reason: "its time is over and KIE.AI does not speak to the account", class: kie.Forbidden, balance: answeredBalance{err: away}, key: "refused", now: after},
		{reason: "another key is accepted", class: kie.Unauthorized, key: "another", now: during, want: true},
		{reason: "another key is not accepted", class: kie.Unauthorized, balance: answeredBalance{err: &kie.Error{Class: kie.Unauthorized}}, key: "another", now: during},
		{reason: "another key may be of another account, with credits", class: kie.InsufficientCredits, key: "another", now: during, want: true},
		{reason: "credits were bought", class: kie.InsufficientCredits, balance: answeredBalance{credits: credits.Of(10), before: fixture.AmountOf(9_500)}, key: "refused", now: during, want: true},
		{reason: "no credits were bought", class: kie.InsufficientCredits, balance: answeredBalance{credits: credits.Of(10), before: fixture.AmountOf(10_000)}, key: "refused", now: during},
		{reason: "there are even fewer", class: kie.InsufficientCredits, balance: answeredBalance{credits: credits.Of(9), before: fixture.AmountOf(10_000)}, key: "refused", now: during},
		{reason: "nobody knows what there was before", class: kie.InsufficientCredits, balance: answeredBalance{credits: credits.Of(10)}, key: "refused", now: during},
		{reason: "nobody knows what there was before, and its time is over", class: kie.InsufficientCredits, balance: answeredBalance{credits: credits.Of(10)}, key: "refused", now: after, want: true},
		{reason: "credits do not end a maintenance", class: kie.Maintenance, balance: answeredBalance{credits: credits.Of(10), before: fixture.AmountOf(1_000)}, key: "refused", now: during},
		{reason: "nobody knows whether credits were bought", class: kie.InsufficientCredits, balance: answeredBalance{err: away, before: fixture.AmountOf(1_000)}, key: "refused", now: after},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			refused := admission.Refusal{Class: tt.class, At: fixture.Epoch, Until: after, APIKey: "refused"}
			if got, causeGone := refusalOver(refused, tt.balance, tt.key, tt.now); got != tt.want || (causeGone && !got) {
				t.Errorf("the refusal is over: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestProblemsOfAnAccount(t *testing.T) {
	selector := func(value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: metav1.LabelSelectorOperator(value), Values: []string{"films"}}}}
	}
	for _, tt := range []struct {
		reason   string
		baseURL  string
		selector *metav1.LabelSelector
		insecure bool
		want     string
	}{
		{reason: "it is as it should be", baseURL: "https://api.kie.ai"},
		{reason: "schemes have no case", baseURL: "HTTPS://api.kie.ai"},
		{reason: "the key would be seen", baseURL: "http://api.kie.ai", want: v1alpha1.ReasonInsecureBaseURL},
		{reason: "it only begins like it", baseURL: "https.example.com", want: v1alpha1.ReasonInsecureBaseURL},
		{reason: "in development, the key may be seen", baseURL: "http://localhost:8080", insecure: true},
		{reason: "a selector of namespaces", baseURL: "https://api.kie.ai", selector: selector("In")},
		{reason: "a selector that does not exist", baseURL: "https://api.kie.ai", selector: selector("Almost"), want: v1alpha1.ReasonInvalidSelector},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			account := &v1alpha1.KieAccount{Spec: v1alpha1.KieAccountSpec{BaseURL: tt.baseURL, AllowedNamespaces: v1alpha1.AllowedNamespaces{Selector: tt.selector}}}
			got := (&Reconciler{AllowInsecure: tt.insecure}).problem(account)
			if got.Reason != tt.want {
				t.Errorf("the problem is %q, want %q", got.Reason, tt.want)
			}
			if tt.want != "" && (got.Type != v1alpha1.ConditionReady || got.Status != metav1.ConditionFalse || got.Message == "") {
				t.Errorf("the condition is %+v", got)
			}
		})
	}
}

// What an administrator reads names no key, and says what to do.
func TestAdviceOnRefusals(t *testing.T) {
	for class, advice := range admission.RefusalAdvice {
		if advice == "" || strings.TrimSpace(advice) != advice || strings.HasSuffix(advice, ".") {
			t.Errorf("%s: the advice is %q", class, advice)
		}
	}
	for class, duration := range admission.RefusalDurations {
		if duration < time.Minute || duration > 5*time.Minute {
			t.Errorf("%s lasts %s: want from 1 to 5 minutes", class, duration)
		}
	}
}
