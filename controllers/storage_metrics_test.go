// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestMetricsOfStorage(t *testing.T) {
	w := newStoringWorld(t, "")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(storagectl.NewExpiring(w.cache, w.clock))
	wantExpiring := func(want float64) {
		t.Helper()
		if got := testutil.ToFloat64(storagectl.NewExpiring(w.cache, w.clock)); got != want {
			t.Errorf("%g are expiring, want %g", got, want)
		}
	}
	w.create("stored")
	w.create("gone", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	stored := w.wantReady("stored", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	series, _ := fixture.Gathered(t, w.proc.registry)
	if got, want := series["kie_storage_bytes_total{backend=file}"], float64(stored.Status.Videos[0].Artifact.SizeBytes); got != want {
		t.Errorf("%g bytes were stored, want %g", got, want)
	}
	if got := series["kie_storage_failures_total{backend=file,reason=LinkDead}"]; got < 2 {
		t.Errorf("%g tries failed, want some", got)
	}
	if got, err := testutil.GatherAndCount(w.proc.registry, "kie_storage_seconds"); err != nil || got != 1 {
		t.Errorf("there are %d histograms of seconds, want 1: %v", got, err)
	}
	wantExpiring(0)
	w.pass(state.VideoLifetime - 24*time.Hour)
	wantExpiring(1)
	w.pass(24 * time.Hour)
	w.run(2 * time.Hour)
	w.wantReady("gone", metav1.ConditionFalse, v1alpha1.ReasonStorageFailed)
	wantExpiring(0)
	series, _ = fixture.Gathered(t, w.proc.registry)
	if got := series["kie_video_generations_ended_total{reason=StorageFailed}"]; got != 1 {
		t.Errorf("%g are lost, want 1", got)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	for _, e := range w.events {
		if strings.Contains(e, w.kieServer.URL+"/") {
			t.Errorf("an Event shows a link: %s", e)
		}
	}
}

// A KieAccount that is gone keeps nothing open for ever.
func TestAnAccountThatIsGoneEndsTheStoring(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	account := w.account()
	w.must(w.live.Delete(t.Context(), account))
	w.pass(time.Hour)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
	w.pass(state.VideoLifetime)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonStorageFailed)
}
