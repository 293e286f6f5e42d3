// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// withDefaults returns the options with every field set.
func (o Options) withDefaults() Options {
	o.Latency = cmp.Or(o.Latency, 5*time.Second)
	o.UpgradeLatency = cmp.Or(o.UpgradeLatency, o.Latency)
	o.Credits = cmp.Or(o.Credits, 10000)
	o.RateLimit = cmp.Or(o.RateLimit, 20)
	o.RateWindow = cmp.Or(o.RateWindow, 10*time.Second)
	o.HTTPStatusMode = cmp.Or(o.HTTPStatusMode, HTTPStatusBody)
	o.UnknownRecord = cmp.Or(o.UnknownRecord, UnknownRecordCode422)
	o.HighResolution = cmp.Or(o.HighResolution, HighResolutionDirect)
	o.UploadRetention = cmp.Or(o.UploadRetention, 24*time.Hour)
	o.CallbackTimeout = cmp.Or(o.CallbackTimeout, 15*time.Second)
	o.CallbackRetries = max(cmp.Or(o.CallbackRetries, 3), 0)
	o.CallbackBackoff = cmp.Or(o.CallbackBackoff, 10*time.Second)
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")

	o.Prices = o.Prices.withDefaults()

	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newCallbackClient()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// newCallbackClient returns a client that reuses connections to a receiver and
// takes a redirect for an answer.
func newCallbackClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxConcurrentDeliveries
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}
