// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
)

func TestWhatALookIsCountedAs(t *testing.T) {
	for _, tt := range []struct {
		reason string
		state  kie.RecordState
		err    error
		want   string
	}{
		{"an answer", kie.RecordSucceeded, nil, "Succeeded"},
		{"a refusal", "", &kie.Error{Class: kie.RateLimited, Code: 429}, "RateLimited"},
		{"a refusal on the way", "", fmt.Errorf("asking: %w", &kie.Error{Class: kie.Unavailable, Err: context.DeadlineExceeded}), "Unavailable"},
	} {
		registry := prometheus.NewPedanticRegistry()
		NewMetrics(registry).Asked(tt.state, tt.err)
		series, _ := fixture.Gathered(t, registry)
		if diff := cmp.Diff(map[string]float64{"kie_record_info_requests_total{result=" + tt.want + "}": 1}, series); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

// An unknown balance is no balance: a gauge of 0 would wake somebody.
func TestNoBalanceIsNoGauge(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := NewMetrics(registry)
	key := types.NamespacedName{Namespace: "films", Name: "default"}
	m.Account(key, nil, 0, 0)
	const balance = "kie_account_credits{account=default,namespace=films}"
	if series, _ := fixture.Gathered(t, registry); len(series) != 2 || series[balance] != 0 {
		t.Errorf("the series are %v, want none of a balance", series)
	}
	m.Account(key, fixture.AmountOf(0), 0, 0)
	if series, _ := fixture.Gathered(t, registry); len(series) != 3 || series[balance] != 0 {
		t.Errorf("the series are %v, want one of a balance of 0", series)
	}
}

func TestTheGaugesOfAnAccountGoWithIt(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := NewMetrics(registry)
	gone, stays := types.NamespacedName{Namespace: "films", Name: "gone"}, types.NamespacedName{Namespace: "films", Name: "stays"}
	m.Account(gone, fixture.AmountOf(1_000), 2, 3)
	m.Account(stays, fixture.AmountOf(4_000), 5, 6)
	m.AccountGone(gone)
	m.AccountGone(types.NamespacedName{Namespace: "films", Name: "never there"})
	series, _ := fixture.Gathered(t, registry)
	want := map[string]float64{
		"kie_account_credits{account=stays,namespace=films}":   4,
		"kie_account_in_flight{account=stays,namespace=films}": 5,
		"kie_account_queued{account=stays,namespace=films}":    6,
	}
	if diff := cmp.Diff(want, series); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}
