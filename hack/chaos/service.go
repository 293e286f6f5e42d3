// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// service spreads callbacks over the replicas as a Service does: also to those that
// were killed, which a Service does not notice at once, and not to those that are
// being terminated.
type service struct {
	mu        sync.Mutex
	endpoints []*url.URL
	turn      int
}

// serve serves until the context ends, and returns the URL.
func (s *service) serve(ctx context.Context) (string, error) {
	return testenv.Serve(ctx, &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(s.next()) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
}

// next returns the endpoint whose turn it is.
func (s *service) next() *url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.endpoints) == 0 {
		return &url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	}
	s.turn++
	return s.endpoints[s.turn%len(s.endpoints)]
}

func (s *service) add(endpoint *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints = append(s.endpoints, endpoint)
}

func (s *service) remove(endpoint *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints = slices.DeleteFunc(s.endpoints, func(u *url.URL) bool { return u == endpoint })
}
