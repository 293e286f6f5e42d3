// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"time"
)

// Names under which requests are counted.
const (
	endpointGenerate    = "generate"
	endpointExtend      = "extend"
	endpointRecordInfo  = "record-info"
	endpoint1080p       = "get-1080p-video"
	endpoint4K          = "get-4k-video"
	endpointCredit      = "credit"
	endpointDownloadURL = "download-url"
	endpointUpload      = "upload"
	endpointVideo       = "video"
	endpointUploaded    = "uploaded-file"
	endpointOther       = "other"
)

// noAnswer is the code under which a dropped connection is counted.
const noAnswer = 0

// counters is what happened so far. The simulator's lock guards it.
type counters struct {
	requests map[string]int
	answers  map[int]int
	// fetches are the GETs of videos by the path of the URL.
	fetches map[string]int
	// submitted, admitted and accepted are the submissions that arrived, those
	// that the rate limit let through, and those that were paid.
	submitted window
	admitted  window
	accepted  window

	callbacksSent         int
	callbacksAcknowledged int
}

func newCounters(rateWindow time.Duration) counters {
	return counters{
		requests:  make(map[string]int),
		answers:   make(map[int]int),
		fetches:   make(map[string]int),
		submitted: window{length: rateWindow},
		admitted:  window{length: rateWindow},
		accepted:  window{length: rateWindow},
	}
}

// callback counts a try of a callback by the HTTP status of its answer.
func (c *counters) callback(status int) {
	c.callbacksSent++
	if status == http.StatusOK {
		c.callbacksAcknowledged++
	}
}

func (s *Simulator) countRequest(endpoint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.counters.requests[endpoint]++
	if endpoint == endpointGenerate || endpoint == endpointExtend {
		s.ledger.counters.submitted.add(s.options.Now())
	}
}

// countFetch counts a request for a video.
func (s *Simulator) countFetch(r *http.Request) {
	s.countRequest(endpointVideo)
	if r.Method != http.MethodGet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.counters.fetches[r.URL.Path]++
}

func (s *Simulator) countAnswer(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.counters.answers[code]++
}
