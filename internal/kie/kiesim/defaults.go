// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"
)

// defaultPrices are KIE's prices of a 720p video in credits, whatever its
// length. A credit is half a US cent.
var defaultPrices = map[string]float64{"veo3": 250, "veo3_fast": 60, "veo3_lite": 30}

// withDefaults returns the options with every field set.
func (o Options) withDefaults() Options {
	o.Latency = cmp.Or(o.Latency, 5*time.Second)
	o.Credits = cmp.Or(o.Credits, 10000)
	o.RateLimit = cmp.Or(o.RateLimit, 20)
	o.RateWindow = cmp.Or(o.RateWindow, 10*time.Second)
	o.HTTPStatusMode = cmp.Or(o.HTTPStatusMode, HTTPStatusBody)
	o.UnknownRecord = cmp.Or(o.UnknownRecord, UnknownRecordCode422)
	o.CallbackTimeout = cmp.Or(o.CallbackTimeout, 15*time.Second)
	o.CallbackRetries = max(cmp.Or(o.CallbackRetries, 3), 0)
	o.CallbackBackoff = cmp.Or(o.CallbackBackoff, 10*time.Second)
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")

	prices := maps.Clone(defaultPrices)
	maps.Copy(prices, o.Prices)
	o.Prices = prices

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
