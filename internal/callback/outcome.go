// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"io"
	"net/http"
	"strconv"
)

// outcome is how a request ended: the name of it in metrics and logs, and the
// status that the sender is told.
type outcome struct {
	name string
	code int
}

// The outcomes. Several share a status, and then also the rest of the answer,
// so that a sender cannot tell a token that does not exist from one that does
// with a signature that is wrong.
var (
	accepted  = &outcome{"accepted", http.StatusOK}
	duplicate = &outcome{"duplicate", http.StatusOK}
	settled   = &outcome{"settled", http.StatusOK}

	malformed     = &outcome{"malformed", http.StatusBadRequest}
	nameless      = &outcome{"nameless", http.StatusBadRequest}
	brokenOff     = &outcome{"broken_off", http.StatusBadRequest}
	wrongMethod   = &outcome{"wrong_method", http.StatusMethodNotAllowed}
	tooSlow       = &outcome{"too_slow", http.StatusRequestTimeout}
	tooLarge      = &outcome{"too_large", http.StatusRequestEntityTooLarge}
	encoded       = &outcome{"encoded", http.StatusUnsupportedMediaType}
	unknownPath   = &outcome{"unknown_path", http.StatusNotFound}
	unknownToken  = &outcome{"unknown_token", http.StatusNotFound}
	badSignature  = &outcome{"bad_signature", http.StatusNotFound}
	differentTask = &outcome{"different_task", http.StatusNotFound}
	gone          = &outcome{"gone", http.StatusNotFound}

	tooMany          = &outcome{"too_many", http.StatusServiceUnavailable}
	cacheUnavailable = &outcome{"cache_unavailable", http.StatusServiceUnavailable}
	cacheBehind      = &outcome{"cache_behind", http.StatusServiceUnavailable}
	noAccount        = &outcome{"no_account", http.StatusServiceUnavailable}
	noCredentials    = &outcome{"no_credentials", http.StatusServiceUnavailable}
	apiUnavailable   = &outcome{"api_unavailable", http.StatusServiceUnavailable}
	contended        = &outcome{"contended", http.StatusServiceUnavailable}
	panicked         = &outcome{"panicked", http.StatusServiceUnavailable}
)

// outcomes are all of them, for the metric.
var outcomes = []*outcome{
	accepted, duplicate, settled,
	malformed, nameless, brokenOff, wrongMethod, tooSlow, tooLarge, encoded,
	unknownPath, unknownToken, badSignature, differentTask, gone,
	tooMany, cacheUnavailable, cacheBehind, noAccount, noCredentials, apiUnavailable, contended, panicked,
}

// acknowledgement is the body of every 200. KIE.AI does not read it; it is the
// form that KIE.AI's own examples have.
const acknowledgement = `{"code":200,"msg":"success"}`

// answer sends the outcome, and returns when it is sent. What is sent depends
// on the status alone.
//
// A refusal has no body and ends the connection. So the answer need not wait
// for a body that nobody wants to read, and whatever a hostile sender put
// behind the request is not taken for another one.
func (o *outcome) answer(w http.ResponseWriter) {
	defer func() { _ = http.NewResponseController(w).Flush() }() // a sender that has left is not told
	header := w.Header()
	if o.code == http.StatusOK {
		header.Set("Content-Type", "application/json")
		header.Set("Content-Length", strconv.Itoa(len(acknowledgement)))
		w.WriteHeader(o.code)
		_, _ = io.WriteString(w, acknowledgement)
		return
	}
	header.Set("Connection", "close")
	header.Set("Content-Length", "0")
	switch o.code {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfterSeconds)
	}
	w.WriteHeader(o.code)
}
