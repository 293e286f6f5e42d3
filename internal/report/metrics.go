// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/transfer"
	"github.com/kie-operator/kie-operator/internal/version"
)

// Metrics counts what the controllers do. The values of every label come from
// fixed lists, except for the names of accounts, which administrators make.
type Metrics struct {
	submissions *prometheus.CounterVec
	questions   *prometheus.CounterVec
	ends        *prometheus.CounterVec
	upgrades    *prometheus.CounterVec
	prices      *prometheus.CounterVec
	storedBytes *prometheus.CounterVec
	storing     *prometheus.HistogramVec
	unstored    *prometheus.CounterVec
	credits     *prometheus.GaugeVec
	inFlight    *prometheus.GaugeVec
	queued      *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	account := []string{"namespace", "account"}
	m := &Metrics{
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_submissions_total",
			Help: "Requests to buy a task, by outcome.",
		}, []string{"outcome"}),
		questions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_record_info_requests_total",
			Help: "Questions about a task, by what KIE.AI answered.",
		}, []string{"result"}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_video_generations_ended_total",
			Help: "VideoGenerations that came to an end, by reason.",
		}, []string{"reason"}),
		upgrades: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_upgrades_ended_total",
			Help: "Upgrades of finished videos that came to an end, by resolution and state.",
		}, []string{"resolution", "state"}),
		prices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_price_differences_total",
			Help: "Finished tasks for which KIE.AI charged another price than the price table says, by model and operation.",
		}, []string{"model", "operation"}),
		storedBytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_storage_bytes_total",
			Help: "Bytes of videos that were stored, by kind of storage.",
		}, []string{"backend"}),
		storing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "kie_storage_seconds",
			Help:    "How long it took to download and store a video, by kind of storage.",
			Buckets: []float64{0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800},
		}, []string{"backend"}),
		unstored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kie_storage_failures_total",
			Help: "Tries to store a video that failed, by kind of storage and cause.",
		}, []string{"backend", "reason"}),
		credits: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kie_account_credits",
			Help: "Balance of an account, in credits, as KIE.AI last reported it.",
		}, account),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kie_account_in_flight",
			Help: "Bought videos of an account that are not finished.",
		}, account),
		queued: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kie_account_queued",
			Help: "VideoGenerations that wait to be bought on an account.",
		}, account),
	}
	build := version.Get()
	registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "kie_build_info",
		Help:        "Always 1; the labels say which build of the operator this is.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "goversion": build.GoVersion},
	}, func() float64 { return 1 }))
	registerer.MustRegister(m.submissions, m.questions, m.ends, m.upgrades, m.prices, m.storedBytes, m.storing, m.unstored, m.credits, m.inFlight, m.queued)
	return m
}

// Submitted counts a request to buy.
func (m *Metrics) Submitted(outcome kie.Outcome) {
	m.submissions.WithLabelValues(string(outcome)).Inc()
}

// Asked counts a question about a task, by its answer.
func (m *Metrics) Asked(state kie.RecordState, err error) {
	result := string(state)
	var refusal *kie.Error
	if errors.As(err, &refusal) {
		result = string(refusal.Class)
	}
	m.questions.WithLabelValues(result).Inc()
}

// Ended counts a VideoGeneration that came to an end.
func (m *Metrics) Ended(reason string) {
	m.ends.WithLabelValues(reason).Inc()
}

func (m *Metrics) upgraded(up *v1alpha1.Upgrade) {
	m.upgrades.WithLabelValues(string(up.Resolution), string(up.State)).Inc()
}

// PriceDiffers counts a task that cost something else than the price table says.
func (m *Metrics) PriceDiffers(model string, operation v1alpha1.Operation) {
	m.prices.WithLabelValues(model, string(operation)).Inc()
}

// Stored counts a video that was stored.
func (m *Metrics) Stored(backend string, bytes int64, took time.Duration) {
	m.storedBytes.WithLabelValues(backend).Add(float64(bytes))
	m.storing.WithLabelValues(backend).Observe(took.Seconds())
}

// NotStored counts a try to store a video that failed.
func (m *Metrics) NotStored(backend string, class transfer.Class) {
	m.unstored.WithLabelValues(backend, string(class)).Inc()
}

// Account shows the balance of an account, if it is known, and its counts.
func (m *Metrics) Account(key types.NamespacedName, balance *credits.Amount, inFlight, queued int32) {
	if balance != nil {
		m.credits.WithLabelValues(key.Namespace, key.Name).Set(balance.Float())
	}
	m.inFlight.WithLabelValues(key.Namespace, key.Name).Set(float64(inFlight))
	m.queued.WithLabelValues(key.Namespace, key.Name).Set(float64(queued))
}

// AccountGone takes the gauges of an account away.
func (m *Metrics) AccountGone(key types.NamespacedName) {
	for _, gauge := range []*prometheus.GaugeVec{m.credits, m.inFlight, m.queued} {
		gauge.DeleteLabelValues(key.Namespace, key.Name)
	}
}
