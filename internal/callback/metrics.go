// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// newCounter registers the counter of requests. Every outcome is there from the
// start, with 0, so that the first of a kind shows up as an increase; and there
// are no others, so that nobody can add series from outside.
func newCounter(registerer prometheus.Registerer) *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kie_callbacks_total",
		Help: "Requests to the callback server, by HTTP status and outcome.",
	}, []string{"code", "outcome"})
	for _, o := range outcomes {
		o.counter(counter)
	}
	if registerer != nil {
		registerer.MustRegister(counter)
	}
	return counter
}

func (o *outcome) counter(requests *prometheus.CounterVec) prometheus.Counter {
	return requests.WithLabelValues(strconv.Itoa(o.code), o.name)
}
