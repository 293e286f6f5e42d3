// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"

	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// whose says whose word an answer is. What is in front of the API (Cloudflare, a
// gateway, a proxy on the way out of the cluster) answers in its place when it
// wants to, and not always before it has passed the request on. So it knows
// nothing of tasks, nothing of the account, and least of all what was bought.
type whose int

const (
	// aGateway may be anybody. Nothing of what it says is believed.
	aGateway whose = iota
	// perhapsTheAPI has an envelope with HTTP 200, but not the one that all recorded answers of the API have. What it
	// brings (an id, a record, a link) is believed, and so is a refusal that passes.
	perhapsTheAPI
	// theAPI is KIE.AI beyond doubt. Only this may say that nothing was bought, or that there never will be a video.
	theAPI
)

// whoseAnswer decides whose word an answer is (reference, sections 1 and 1.1).
//
// The API's envelope is an object with an integer code and a text msg. Nearly
// all of its refusals come with HTTP 200; where one has a status of its own, it
// is the code, and the answer is declared as JSON. The msg is what tells the API
// from the gateways that write codes too: those of Kong, AWS, Spring, gRPC and
// others write "message", "error" or "status". KIE.AI's own pages print
// "message" here and there, which is why such an answer with HTTP 200 still
// counts as perhaps the API's.
func whoseAnswer(status int, contentType string, root map[string]json.RawMessage) whose {
	code, hasCode := decode.Int(root["code"])
	asRecorded := hasCode && isInteger(root["code"]) && isText(root["msg"])
	switch {
	case status == http.StatusOK && asRecorded:
		return theAPI
	case status == http.StatusOK && hasCode:
		return perhapsTheAPI
	case asRecorded && code == status && isJSON(contentType):
		return theAPI
	default:
		return aGateway
	}
}

// isInteger is stricter than decode.Int: digits, and neither a fraction nor a text.
func isInteger(raw json.RawMessage) bool {
	_, err := strconv.Atoi(string(bytes.TrimSpace(raw)))
	return err == nil
}

func isText(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`))
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == "application/json"
}

// The causes of failures that are not the API's own word.
var (
	// ErrNotTheAPI is the cause of a failure in whose place something in front of the API has answered.
	ErrNotTheAPI = errors.New("the answer is not the API's own")

	errNotClear = errors.New("the answer is not clearly the API's own")
)

// classOfTheWay is what a gateway's status says to somebody who only wants to
// know whether the API can be reached. It is for the check of an account, and
// for nothing that was bought or is to be bought.
func classOfTheWay(status int) Class {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return NotFound
	case http.StatusRequestTimeout, http.StatusTooManyRequests, 499: // nginx: the client went away
		return Unavailable
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return Forbidden
	}
	return Unavailable
}
