// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/artifact"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/version"
)

// The values that each label may have.
var labelValues = map[string][]string{
	"outcome": {string(kie.Accepted), string(kie.NotSent), string(kie.Deferred), string(kie.Rejected), string(kie.Unknown)},
	"result": {
		string(kie.RecordAbsent), string(kie.RecordRunning), string(kie.RecordSucceeded), string(kie.RecordFailed), string(kie.RecordExpired),
		string(kie.RateLimited), string(kie.InsufficientCredits), string(kie.Unauthorized), string(kie.KeyLimitReached), string(kie.Forbidden),
		string(kie.Maintenance), string(kie.NotFound), string(kie.Invalid), string(kie.ContentRejected), string(kie.GenerationFailed),
		string(kie.FeatureDisabled), string(kie.Unavailable),
	},
	"reason": {
		v1alpha1.ReasonSucceeded, v1alpha1.ReasonContentRejected, v1alpha1.ReasonGenerationFailed, v1alpha1.ReasonInvalidRequest,
		v1alpha1.ReasonFeatureDisabled, v1alpha1.ReasonTaskExpired, v1alpha1.ReasonInvalidTaskID, v1alpha1.ReasonTimedOut,
		v1alpha1.ReasonSubmissionUnknown, v1alpha1.ReasonTaskNotFound, v1alpha1.ReasonStorageFailed,
		string(artifact.LinkDead), string(artifact.DownloadFailed), string(artifact.LinkRefused), string(artifact.NotVideo), string(artifact.TooLarge),
		string(artifact.InvalidStorage), string(artifact.BucketNotFound), string(artifact.AccessDenied), string(artifact.StorageFull), string(artifact.StorageRefused), "FinalizerRefused",
		string(artifact.StorageUnavailable),
	},
	"backend": {"s3", "gs", "azblob", "file"},
}

// gathered returns what a scrape would show of what happened, as name{label=value} =
// value.
func gathered(t *testing.T, registry prometheus.Gatherer) (series map[string]float64, text string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series = map[string]float64{}
	for _, family := range families {
		if family.GetName() == "kie_build_info" || strings.HasPrefix(family.GetName(), "kie_callback") {
			continue // the first says nothing of what happened, and the callback server counts for itself
		}
		text += family.String()
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, l := range metric.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
				if allowed, bounded := labelValues[l.GetName()]; bounded && !slices.Contains(allowed, l.GetValue()) {
					t.Errorf("%s has the label %s=%q, which is none of %v", family.GetName(), l.GetName(), l.GetValue(), allowed)
				}
			}
			series[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return series, text
}

func TestMetricsLint(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := NewMetrics(registry)
	m.submitted(kie.Accepted)
	m.asked(kie.RecordRunning, nil)
	m.ended(v1alpha1.ReasonSucceeded)
	m.account(types.NamespacedName{Namespace: "films", Name: "default"}, amountOf(59_500), 1, 2)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	var text strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	build := version.Get()
	want := `# HELP kie_account_credits Balance of an account, in credits, as KIE.AI last reported it.
# TYPE kie_account_credits gauge
kie_account_credits{account="default",namespace="films"} 59.5
# HELP kie_account_in_flight Bought videos of an account that are not finished.
# TYPE kie_account_in_flight gauge
kie_account_in_flight{account="default",namespace="films"} 1
# HELP kie_account_queued VideoGenerations that wait to be bought on an account.
# TYPE kie_account_queued gauge
kie_account_queued{account="default",namespace="films"} 2
# HELP kie_build_info Always 1; the labels say which build of the operator this is.
# TYPE kie_build_info gauge
kie_build_info{commit="` + build.Commit + `",goversion="` + build.GoVersion + `",version="` + build.Version + `"} 1
# HELP kie_record_info_requests_total Questions about a task, by what KIE.AI answered.
# TYPE kie_record_info_requests_total counter
kie_record_info_requests_total{result="Running"} 1
# HELP kie_submissions_total Requests to buy a task, by outcome.
# TYPE kie_submissions_total counter
kie_submissions_total{outcome="Accepted"} 1
# HELP kie_video_generations_ended_total VideoGenerations that came to an end, by reason.
# TYPE kie_video_generations_ended_total counter
kie_video_generations_ended_total{reason="Succeeded"} 1
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("a scrape (-want +got):\n%s", diff)
	}
}

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
		NewMetrics(registry).asked(tt.state, tt.err)
		series, _ := gathered(t, registry)
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
	m.account(key, nil, 0, 0)
	const balance = "kie_account_credits{account=default,namespace=films}"
	if series, _ := gathered(t, registry); len(series) != 2 || series[balance] != 0 {
		t.Errorf("the series are %v, want none of a balance", series)
	}
	m.account(key, amountOf(0), 0, 0)
	if series, _ := gathered(t, registry); len(series) != 3 || series[balance] != 0 {
		t.Errorf("the series are %v, want one of a balance of 0", series)
	}
}

func TestTheGaugesOfAnAccountGoWithIt(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := NewMetrics(registry)
	gone, stays := types.NamespacedName{Namespace: "films", Name: "gone"}, types.NamespacedName{Namespace: "films", Name: "stays"}
	m.account(gone, amountOf(1_000), 2, 3)
	m.account(stays, amountOf(4_000), 5, 6)
	m.accountGone(gone)
	m.accountGone(types.NamespacedName{Namespace: "films", Name: "never there"})
	series, _ := gathered(t, registry)
	want := map[string]float64{
		"kie_account_credits{account=stays,namespace=films}":   4,
		"kie_account_in_flight{account=stays,namespace=films}": 5,
		"kie_account_queued{account=stays,namespace=films}":    6,
	}
	if diff := cmp.Diff(want, series); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

// Whatever happens, a scrape shows how much of what happened, and nothing of
// the users.
func TestMetricsOfALife(t *testing.T) {
	w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 4}})
	for i, markers := range []string{"", "[sim:fail=400]", "[sim:fail=500]", "[sim:submit=422]", "[sim:submit=505]", "[sim:accept-then=drop]",
		"[sim:accept-then=drop] [sim:callback=never]", "[sim:never-finish]", "[sim:record-code=429-for=3m]", "[sim:record=null-for=40s] [sim:latency=5s]"} {
		w.create(fmt.Sprintf("canary-name-%d", i), prompt("canary-prompt "+markers))
	}
	w.create("canary-name-adopted", annotated(v1alpha1.AnnotationAdoptTaskID, otherTaskID))
	w.create("canary-name-invalid", annotated(v1alpha1.AnnotationAdoptTaskID, "canary task id"))
	w.run(6 * time.Hour)

	series, text := gathered(t, w.proc.registry)
	canaries := []string{"canary", "lighthouse", testAPIKey, testHMACKey, otherTaskID, w.kieServer.URL, w.callbacks.URL}
	for _, task := range w.sim.State().Tasks {
		canaries = append(canaries, task.ID, task.Attempt)
	}
	for _, canary := range canaries {
		if strings.Contains(text, canary) {
			t.Errorf("the metrics show %q", canary)
		}
	}
	for name, want := range map[string]float64{
		"kie_submissions_total{outcome=Accepted}":                              6,
		"kie_submissions_total{outcome=Rejected}":                              2,
		"kie_submissions_total{outcome=Unknown}":                               2,
		"kie_video_generations_ended_total{reason=Succeeded}":                  4,
		"kie_video_generations_ended_total{reason=ContentRejected}":            1,
		"kie_video_generations_ended_total{reason=GenerationFailed}":           1,
		"kie_video_generations_ended_total{reason=InvalidRequest}":             1,
		"kie_video_generations_ended_total{reason=FeatureDisabled}":            1,
		"kie_video_generations_ended_total{reason=SubmissionUnknown}":          1,
		"kie_video_generations_ended_total{reason=TimedOut}":                   1,
		"kie_video_generations_ended_total{reason=TaskNotFound}":               1,
		"kie_account_in_flight{account=default,namespace=" + w.namespace + "}": 0,
		"kie_account_queued{account=default,namespace=" + w.namespace + "}":    0,
	} {
		if got, ok := series[name]; !ok || got != want {
			t.Errorf("%s is %g, there: %t; want %g", name, got, ok, want)
		}
	}

	w.must(w.live.Delete(t.Context(), w.account()))
	w.sync()
	_, err := w.proc.accounts.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: w.namespace, Name: v1alpha1.DefaultAccountName}})
	w.must(err)
	series, _ = gathered(t, w.proc.registry)
	for name := range series {
		if strings.HasPrefix(name, "kie_account_") {
			t.Errorf("the account is gone, and %s is there", name)
		}
	}
}
