// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

func TestShare(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(100-i)*time.Second)
	}
	for percent, want := range map[int]time.Duration{50: 50 * time.Second, 99: 99 * time.Second, 100: 100 * time.Second} {
		if got := share(times, percent); got != want {
			t.Errorf("%d%% are within %v, want %v", percent, got, want)
		}
	}
	if got := share(nil, 99); got != 0 {
		t.Errorf("of none, 99%% are within %v", got)
	}
}

func TestFollowed(t *testing.T) {
	_, vg, _ := one(plain)
	if took, ok := followed(vg); ok {
		t.Errorf("without a callback it took %v", took)
	}
	ended := metav1.Date(2026, time.November, 25, 12, 0, 30, 0, time.UTC)
	vg.Status.Task.CompletedAt = &ended
	vg.Status.Callback = &v1alpha1.CallbackReceipt{Attempt: "attempt-1", ReceivedAt: metav1.NewMicroTime(ended.Add(-20 * time.Second))}
	if took, ok := followed(vg); !ok || took != 20*time.Second {
		t.Errorf("it took %v, %v; want 20s", took, ok)
	}
	vg.Status.Callback.Attempt = "attempt-0"
	if took, ok := followed(vg); ok {
		t.Errorf("with the callback of another attempt it took %v", took)
	}
}

func TestReportNamesOffenders(t *testing.T) {
	var out strings.Builder
	report(&out, figures{loading: time.Second, answers: map[int]int{0: 1, 200: 7}}, &findings{unsent: map[fate]int{ofKill: 3, ofOutage: 1}, lost: []string{"chaos-0/video-1 is lost"}, unknown: []string{"chaos-0/video-2 is unknown"}})
	for _, want := range []string{"LOST", "1 × no answer, 7 × 200", "1 × API server away, 3 × killed or stopped", "lost: chaos-0/video-1 is lost", "unknown: chaos-0/video-2 is unknown"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
}
