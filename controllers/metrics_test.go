// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
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
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/version"
)

func TestMetricsLint(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := report.NewMetrics(registry)
	m.Submitted(kie.Accepted)
	m.Asked(kie.RecordRunning, nil)
	m.Ended(v1alpha1.ReasonSucceeded)
	m.Account(types.NamespacedName{Namespace: "films", Name: "default"}, fixture.AmountOf(59_500), 1, 2)
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

// Whatever happens, a scrape shows how much of what happened, and nothing of
// the users.
func TestMetricsOfALife(t *testing.T) {
	w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 4}})
	for i, markers := range []string{"", "[sim:fail=400]", "[sim:fail=500]", "[sim:submit=422]", "[sim:submit=505]", "[sim:accept-then=drop]",
		"[sim:accept-then=drop] [sim:callback=never]", "[sim:never-finish]", "[sim:record-code=429-for=3m]", "[sim:record=null-for=40s] [sim:latency=5s]"} {
		w.create(fmt.Sprintf("canary-name-%d", i), prompt("canary-prompt "+markers))
	}
	w.create("canary-name-adopted", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID))
	w.create("canary-name-invalid", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, "canary task id"))
	w.run(6 * time.Hour)

	series, text := fixture.Gathered(t, w.proc.registry)
	canaries := []string{"canary", "lighthouse", fixture.APIKey, fixture.HMACKey, fixture.OtherTaskID, w.kieServer.URL, w.callbacks.URL}
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
	series, _ = fixture.Gathered(t, w.proc.registry)
	for name := range series {
		if strings.HasPrefix(name, "kie_account_") {
			t.Errorf("the account is gone, and %s is there", name)
		}
	}
}
