// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// expiringWithin is how soon KIE.AI deletes a video that counts as expiring.
const expiringWithin = 24 * time.Hour

// expiring counts, whenever metrics are read, the resources with a video that is
// to be stored, is not stored yet, and is soon deleted by KIE.AI. Anything above 0
// calls for a person.
type expiring struct {
	reader client.Reader
	clock  clock.PassiveClock
	gauge  *prometheus.Desc
}

// NewExpiring returns the collector of kie_storage_expiring.
func NewExpiring(reader client.Reader, clk clock.PassiveClock) prometheus.Collector {
	return &expiring{reader: reader, clock: clk, gauge: prometheus.NewDesc("kie_storage_expiring",
		"VideoGenerations with a video that is paid for, is not stored though it is to be, and is deleted by KIE.AI within a day.",
		nil, nil)}
}

// Describe describes the metric.
func (e *expiring) Describe(descs chan<- *prometheus.Desc) { descs <- e.gauge }

// Collect counts the resources. If they cannot be listed, it sends no number.
func (e *expiring) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var view v1alpha1.VideoGenerationList
	if err := e.reader.List(ctx, &view, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	soon, count := e.clock.Now().Add(expiringWithin), 0
	for i := range view.Items {
		if state.StoragePending(&view.Items[i]) && expiresBefore(&view.Items[i], soon) {
			count++
		}
	}
	metrics <- prometheus.MustNewConstMetric(e.gauge, prometheus.GaugeValue, float64(count))
}

// expiresBefore reports whether KIE.AI deletes, before a time, a video that is not
// stored.
func expiresBefore(vg *v1alpha1.VideoGeneration, at time.Time) bool {
	for i := range vg.Status.Videos {
		video := &vg.Status.Videos[i]
		if !state.IsStored(video) && video.ExpiresAt != nil && video.ExpiresAt.Time.Before(at) {
			return true
		}
	}
	return false
}
