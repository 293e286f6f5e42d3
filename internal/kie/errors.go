// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"errors"
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
	// Forbidden means that a gateway in front of the API, or an address list on the key, turned the request away.
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
	// Unavailable means that there was no answer, or none that can be read.
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
	case http.StatusForbidden, http.StatusProxyAuthRequired:
		return Forbidden
	case codeMaintenance:
		return Maintenance
	case http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
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

// ofAccount reports whether a refusal is about the account or the way to the
// API, and not about the request.
func ofAccount(class Class) bool {
	switch class {
	case RateLimited, InsufficientCredits, Unauthorized, KeyLimitReached, Forbidden, Maintenance:
		return true
	default:
		return false
	}
}

// ofRequest reports whether a refusal is about the request, and stays.
func ofRequest(class Class) bool {
	switch class {
	case SourceNotFound, Invalid, ContentRejected, GenerationFailed, FeatureDisabled:
		return true
	default:
		return false
	}
}

// errNoEnvelope is the cause where an answer is not the API's own word, but
// that of something in front of it.
var errNoEnvelope = errors.New("the answer has no code of the API")

// classOfGateway is the class of an answer that is not the API's own. What is
// in front of the API knows nothing of videos, so nothing it says is about one.
func classOfGateway(status int) Class {
	switch class := classOf(status); class {
	case Invalid, ContentRejected:
		return Forbidden
	case GenerationFailed, FeatureDisabled:
		return Unavailable
	default:
		return class
	}
}

// Error is an answer other than success, or the lack of an answer.
type Error struct {
	// Class says what it means.
	Class Class
	// Code is the HTTP status unless that was 200, and then the code in the body; 0 if neither came.
	Code int
	// Message is what the API says, without control characters and secrets, and bounded to half a kilobyte.
	Message string
	// Err is the cause, where the failure is not the API's word.
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

// maxMessageBytes bounds what is kept of the API's own words. What shows them
// (the note of an Event above all) is bounded in bytes, and needs room for ours.
const maxMessageBytes = 512

// redact makes words of the API fit to be shown: one line, bounded, without
// characters that turn or hide others, and without the secrets that were sent
// along, should the API repeat them.
func redact(message string, secrets ...string) string {
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
