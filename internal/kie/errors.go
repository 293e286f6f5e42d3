// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Class sorts a refusal or failure by who can do something about it.
type Class string

// The classes of answers other than success.
const (
	// RateLimited means that too much was asked in too short a time.
	RateLimited Class = "RateLimited"
	// InsufficientCredits means that the balance is too low.
	InsufficientCredits Class = "InsufficientCredits"
	// Unauthorized means that the API key is missing or wrong.
	Unauthorized Class = "Unauthorized"
	// KeyLimitReached means that a cap which was set on the key itself is used up.
	KeyLimitReached Class = "KeyLimitReached"
	// Forbidden means that an address list on the key, or a gateway in front of the API, turns the account away. That
	// it is a gateway is said by the check of the balance only.
	Forbidden Class = "Forbidden"
	// Maintenance means that the API is closed for a while.
	Maintenance Class = "Maintenance"
	// NotFound means that there is no such endpoint or task.
	NotFound Class = "EndpointNotFound"
	// SourceNotFound means that the API does not know, or no longer knows, the task that was to be continued.
	SourceNotFound Class = "SourceNotFound"
	// Invalid means that the request itself cannot be fulfilled.
	Invalid Class = "Invalid"
	// ContentRejected means that the prompt or an image breaks a policy.
	ContentRejected Class = "ContentRejected"
	// GenerationFailed means that the video could not be made.
	GenerationFailed Class = "GenerationFailed"
	// FeatureDisabled means that the API does not offer what was asked for.
	FeatureDisabled Class = "FeatureDisabled"
	// Unavailable means that there was no answer, none that can be read, or none of the API's own.
	Unavailable Class = "Unavailable"
)

// The codes that the API puts into its answers, beyond those of HTTP.
const (
	codeKeyLimit    = 433
	codeImageFetch  = 451
	codeMaintenance = 455
	codeFailed      = 501
	codeDisabled    = 505
)

// classOf is what the API means by a code.
func classOf(code int) Class {
	switch code {
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusPaymentRequired:
		return InsufficientCredits
	case http.StatusUnauthorized:
		return Unauthorized
	case codeKeyLimit:
		return KeyLimitReached
	case http.StatusForbidden:
		return Forbidden
	case codeMaintenance:
		return Maintenance
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return NotFound
	case http.StatusBadRequest:
		return ContentRejected
	case http.StatusUnprocessableEntity, codeImageFetch, http.StatusRequestEntityTooLarge:
		return Invalid
	case codeFailed:
		return GenerationFailed
	case codeDisabled:
		return FeatureDisabled
	default:
		return Unavailable
	}
}

// OfAccount reports whether a refusal is about the account or the way to the API, and
// not about the request.
func (c Class) OfAccount() bool {
	switch c {
	case RateLimited, InsufficientCredits, Unauthorized, KeyLimitReached, Forbidden, Maintenance:
		return true
	default:
		return false
	}
}

// OfRequest reports whether a refusal is about the request, and stays.
func (c Class) OfRequest() bool {
	switch c {
	case SourceNotFound, Invalid, ContentRejected, GenerationFailed, FeatureDisabled:
		return true
	default:
		return false
	}
}

// Error is an answer other than success, or the lack of an answer.
type Error struct {
	// Class says what it means.
	Class Class
	// Code is the HTTP status unless that was 200, and then the code in the body; 0 if neither came.
	Code int
	// Message is what the answer says, without control characters and secrets, and bounded to half a kilobyte.
	Message string
	// Own is whether this is the API's own word. Without it something in front of the API has answered, the API has
	// not said clearly what it means, or there was no answer: then nothing is known about the account or a task.
	Own bool
	// Err is the cause, where the failure is not the API's own word.
	Err error
}

// Error names the class, the code and the API's own words.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Class))
	if e.Code != 0 {
		fmt.Fprintf(&b, " (code %d)", e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// becomes makes another failure of what the API has not said, or not clearly.
func (e *Error) becomes(class Class, cause error) {
	e.Class, e.Own, e.Err = class, false, cause
}

// maxMessageBytes bounds what is kept of the API's own words. What shows them
// (the note of an Event above all) is bounded in bytes, and needs room for ours.
const maxMessageBytes = 512

// Redact makes words of the API fit to be shown: one line of half a kilobyte at most,
// without characters that turn or hide others, and without the secrets that were sent
// along, should the API repeat them.
func Redact(message string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			message = strings.ReplaceAll(message, secret, "[redacted]")
		}
	}
	message = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, message)
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > maxMessageBytes {
		end := maxMessageBytes
		for !utf8.RuneStart(message[end]) {
			end--
		}
		message = message[:end] + "…"
	}
	return message
}
