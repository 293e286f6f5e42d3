// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestServiceTakesTurnsAmongWhoIsThere(t *testing.T) {
	called := map[string]int{}
	endpoint := func(name string) *url.URL {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called[name]++ }))
		t.Cleanup(server.Close)
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	s := &service{}
	address, err := s.serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	call := func() int {
		response, err := http.Post(address+"/v1/callbacks/attempt", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if got := call(); got != http.StatusBadGateway {
		t.Errorf("with nobody there the answer is %d, want 502", got)
	}
	first, second := endpoint("first"), endpoint("second")
	s.add(first)
	s.add(second)
	for range 4 {
		call()
	}
	s.remove(first)
	for range 2 {
		call()
	}
	if called["first"] != 2 || called["second"] != 4 {
		t.Errorf("called were %v, want 2 for the first, which was removed, and 4 for the second", called)
	}
}
