// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/veo"
)

func TestPeriods(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, tt := range []struct {
		reason          string
		budget          *v1alpha1.Budget
		now, start, end string
	}{
		{"a day turns at midnight in UTC", fixture.Budget("1", 24*time.Hour), "2026-11-24T21:00:00+02:00", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
		{"its first moment is in it", fixture.Budget("1", 24*time.Hour), "2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"a week turns in the night to Monday", fixture.Budget("1", 7*24*time.Hour), "2026-11-24T21:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
		{"an hour", fixture.Budget("1", time.Hour), "2026-11-24T21:59:59Z", "2026-11-24T21:00:00Z", "2026-11-24T22:00:00Z"},
		{"without a budget a day is shown", nil, "2026-11-24T21:00:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
		{"a period that no API server accepts", fixture.Budget("1", 0), "2026-11-24T21:00:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
	} {
		start, end := accounts.PeriodOf(&v1alpha1.KieAccount{Spec: v1alpha1.KieAccountSpec{Budget: tt.budget}}, at(tt.now))
		if !start.Equal(at(tt.start)) || !end.Equal(at(tt.end)) {
			t.Errorf("%s: from %s to %s, want from %s to %s", tt.reason, start, end, tt.start, tt.end)
		}
	}
}

func TestReadable(t *testing.T) {
	now := fixture.Epoch
	today, yesterday := metav1.NewTime(now.UTC().Truncate(24*time.Hour)), metav1.NewTime(now.UTC().Truncate(24*time.Hour).Add(-24*time.Hour))
	spent := func(text string, since *metav1.Time) func(*v1alpha1.KieAccount) {
		return func(a *v1alpha1.KieAccount) { a.Status.CreditsSpent, a.Status.CreditsSpentSince = text, since }
	}
	priced := func(text string) func(*v1alpha1.KieAccount) {
		return func(a *v1alpha1.KieAccount) {
			a.Spec.Prices = []v1alpha1.Price{fixture.Price(v1alpha1.ModelLite, v1alpha1.PricedExtend, text)}
		}
	}
	limited := func(text string) func(*v1alpha1.KieAccount) {
		return func(a *v1alpha1.KieAccount) { a.Spec.Budget = fixture.Budget(text, 24*time.Hour) }
	}
	const ofPrice, ofBudget, ofSpent = "spec.prices[veo3_lite, Extend].credits", "spec.budget.credits", "status.creditsSpent"
	for _, tt := range []struct {
		reason string
		change func(*v1alpha1.KieAccount)
		want   string
	}{
		{"nothing is said and nothing was spent", func(*v1alpha1.KieAccount) {}, ""},
		{"a price", priced("14.4"), ""},
		{"somebody says that it is free", priced("0"), ""},
		{"a price that is a word", priced("n/a"), ofPrice},
		{"a price that is missing", priced(""), ofPrice},
		{"a negative price", priced("-1"), ofPrice},
		{"a price that wraps", priced("18446744073709551676"), ofPrice},
		{"a price that is finer than credits are", priced("0.0001"), ofPrice},
		{"a budget", limited("62.5"), ""},
		{"a budget that is a word", limited("all"), ofBudget},
		{"a budget that is missing", limited(""), ofBudget},
		{"a negative budget", limited("-1"), ofBudget},
		{"a budget that wraps", limited("9223372036854775808"), ofBudget},
		{"the books of today", spent("14.4", &today), ""},
		{"books that are a word", spent("n/a", &today), ofSpent},
		{"negative books", spent("-60", &today), ofSpent},
		{"books that wrap", spent("99999999999999999999", &today), ofSpent},
		{"books without an amount", spent("", &today), ofSpent},
		{"books without a beginning", spent("60", nil), "status.creditsSpentSince"},
		{"the books of yesterday count no more", spent("n/a", &yesterday), ""},
	} {
		account := &v1alpha1.KieAccount{}
		tt.change(account)
		prices, err := accounts.Readable(account, now)
		switch {
		case tt.want == "" && (err != nil || prices == nil):
			t.Errorf("%s: it cannot be read: %v", tt.reason, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+" ") || !strings.Contains(err.Error(), ": correct it") || prices != nil):
			t.Errorf("%s: it says %v, want a sentence on %s with the way out", tt.reason, err, tt.want)
		}
	}
}

// An entry overrides one price, and a price of 0 is a price.
func TestPricesOfAnAccount(t *testing.T) {
	account := &v1alpha1.KieAccount{}
	account.Spec.Prices = []v1alpha1.Price{
		fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, "14.4"),
		fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedUpgrade4K, "0"),
		fixture.Price("kling-3.0/video", v1alpha1.PricedGenerate, "2.5"),
	}
	prices, err := accounts.PricesOf(account)
	if err != nil {
		t.Fatal(err)
	}
	want := veo.DefaultPrices()
	want[kie.Item{Model: "veo3_fast", Operation: kie.OperationGenerate}] = *fixture.AmountOf(14_400)
	want[kie.Item{Model: "veo3_fast", Operation: kie.OperationUpgrade4K}] = credits.Amount{}
	want[kie.Item{Model: "kling-3.0/video", Operation: kie.OperationGenerate}] = *fixture.AmountOf(2_500)
	for item, price := range want {
		if got, ok := prices[item]; !ok || got != price {
			t.Errorf("%v costs %s (%t), want %s", item, got, ok, price)
		}
	}
	if len(prices) != len(want) {
		t.Errorf("%d prices, want %d", len(prices), len(want))
	}
}
