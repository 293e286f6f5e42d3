// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

// The condition is asked when the request is about to leave, and not before: a
// process may be frozen in between.
func TestSendIf(t *testing.T) {
	for _, tc := range []struct {
		name   string
		option func(*httptest.Server)
	}{{"http", func(*httptest.Server) {}}, {"https", kieapi.WithTLS}} {
		t.Run(tc.name, func(t *testing.T) {
			var asked, read atomic.Int64
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				n, _ := r.Body.Read(make([]byte, 1))
				read.Add(int64(n))
				kieapi.Answering(200, acceptedBody)(w, r)
			}, tc.option)
			c := newTestClient(t)
			if server.Certificate() != nil {
				trust(t, c, server.Certificate())
			}
			over := SendIf(t.Context(), func() bool {
				asked.Add(1)
				if server.Connections.Load() == 0 {
					t.Error("it was asked before there was a connection")
				}
				return false
			})
			got := c.Buy(over, endpointAt(server.URL), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != NotSent || asked.Load() == 0 || read.Load() != 0 {
				t.Errorf("got %s, %v; asked %d times, %d bytes of the request arrived; want NotSent", got.Outcome, got.Err, asked.Load(), read.Load())
			}
			inTime := SendIf(t.Context(), func() bool { return true })
			if got := c.Buy(inTime, endpointAt(server.URL), testPurchase); got.Outcome != Accepted {
				t.Errorf("in time: got %s, %v", got.Outcome, got.Err)
			}
		})
	}
}
