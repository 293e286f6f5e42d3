// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net/http"
	"path"
	"sync"
)

// receivers notes how each try of a callback was answered, by the last part of
// its URL, which is the attempt. A try without an answer is noted as 0.
type receivers struct {
	mu      sync.Mutex
	answers map[string][]int
	// muted are the attempts whose callbacks get lost on their way.
	muted map[string]bool
}

func newReceivers() *receivers {
	return &receivers{answers: map[string][]int{}, muted: map[string]bool{}}
}

// client sends callbacks: KIE.AI follows no redirects.
func (r *receivers) client() *http.Client {
	return &http.Client{Transport: r, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// mute lets the callbacks of an attempt get lost.
func (r *receivers) mute(attempt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted[attempt] = true
}

func (r *receivers) isMuted(attempt string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.muted[attempt]
}

// RoundTrip implements http.RoundTripper.
func (r *receivers) RoundTrip(request *http.Request) (*http.Response, error) {
	attempt := path.Base(request.URL.Path)
	var response *http.Response
	err := errors.New("lost on its way")
	if !r.isMuted(attempt) {
		response, err = http.DefaultTransport.RoundTrip(request)
	}
	status := 0
	if err == nil {
		status = response.StatusCode
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[attempt] = append(r.answers[attempt], status)
	return response, err
}

// answersTo returns the answers to the callbacks of an attempt.
func (r *receivers) answersTo(attempt string) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.answers[attempt]...)
}
