// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// sentRequests are the purchases that have left the operator, by their attempt.
type sentRequests struct {
	mu sync.Mutex
	at map[string]time.Time
}

// note keeps when a purchase arrived, before anybody disturbs it.
func (s *sentRequests) note(r *http.Request, now time.Time) {
	if kind := kindOf(r); kind != "generate" && kind != "extend" {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it has not arrived
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var purchase struct {
		CallbackURL string `json:"callBackUrl"`
	}
	if json.Unmarshal(body, &purchase) != nil || purchase.CallbackURL == "" {
		return
	}
	attempt := purchase.CallbackURL[strings.LastIndex(purchase.CallbackURL, "/")+1:]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	if _, ok := s.at[attempt]; !ok {
		s.at[attempt] = now
	}
}

// kindOf says what a request to KIE.AI, its files or the S3 server is.
func kindOf(r *http.Request) string {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/api/v1/"):
		return path[strings.LastIndex(path, "/")+1:]
	case strings.HasPrefix(path, "/api/file-"):
		return "upload"
	case strings.HasSuffix(path, ".mp4") && r.Header.Get("Authorization") == "":
		return "video"
	default:
		return "object"
	}
}

// sendWithin is how long after its intent a purchase may leave the operator.
const sendWithin = 20 * time.Second

// assertSentInTime holds after every test: no purchase was sent later than its
// intent allows.
func (w *world) assertSentInTime() {
	w.sent.mu.Lock()
	defer w.sent.mu.Unlock()
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	intended := map[string]time.Time{}
	for _, history := range w.written.history {
		for _, vg := range history {
			if task := vg.Status.Task; task != nil {
				if _, ok := intended[task.Attempt]; !ok {
					intended[task.Attempt] = task.SubmittedAt.Time
				}
			}
		}
	}
	for attempt, at := range w.sent.at {
		// The clocks of two leaders may differ; in a test of that, the intent has the time of the other.
		if since, ok := intended[attempt]; ok && !w.otherClock && at.Sub(since) > sendWithin+time.Second {
			w.t.Errorf("a purchase was sent %s after its intent", at.Sub(since))
		}
	}
}
