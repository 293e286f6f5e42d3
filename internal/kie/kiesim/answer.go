// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// codeOK is the code of an answer that did what was asked.
const codeOK = http.StatusOK

// answerMessages are the texts of refusals, by code: literal ones where they
// were seen, the documented meaning otherwise.
var answerMessages = map[int]string{
	400: flaggedPrompt + ".",
	401: "You do not have access permissions",
	402: "The current credits are insufficient. Please top up.",
	404: "The requested resource or endpoint does not exist",
	408: "The upstream did not answer for more than 10 minutes",
	422: "Request parameters failed validation",
	429: "Your call frequency is too high. Please try again later.",
	451: lostImage,
	455: "The system is currently undergoing maintenance",
	500: "An unexpected error occurred while processing the request",
	501: "Video generation task failed",
	505: "The requested feature is currently disabled",
}

// envelope is the shape of every answer of the API.
type envelope struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	Data any    `json:"data"`
}

// encode returns a value as JSON the way KIE writes it, with <, > and & as they
// are. The values are this package's own, so that it cannot fail.
func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}

// succeed answers code 200 with data.
func (s *Simulator) succeed(w http.ResponseWriter, data any) {
	s.write(w, codeOK, jsonType, encode(envelope{Code: codeOK, Msg: "success", Data: data}), codeOK)
}

// refuse answers with a code and, if the message is empty, the usual text of the
// code. The HTTP status depends on the mode.
func (s *Simulator) refuse(w http.ResponseWriter, code int, message string) {
	if message == "" {
		message = answerMessages[code]
	}
	if code == http.StatusUnauthorized {
		// KIE leaves data out of this answer alone.
		body := encode(struct {
			Code int    `json:"code"`
			Msg  string `json:"msg"`
		}{code, message})
		s.write(w, s.options.HTTPStatusMode.status(code), jsonType, body, code)
		return
	}
	s.refuseWith(w, code, message, nil)
}

// refuseWith is refuse with data, which KIE sends with some of its codes.
func (s *Simulator) refuseWith(w http.ResponseWriter, code int, message string, data any) {
	body := encode(envelope{Code: code, Msg: message, Data: data})
	s.write(w, s.options.HTTPStatusMode.status(code), jsonType, body, code)
}

// dropConnection closes the connection without an answer.
func (s *Simulator) dropConnection() {
	s.countAnswer(noAnswer)
	panic(http.ErrAbortHandler)
}

// Content types of answers and files.
const (
	jsonType = "application/json;charset=UTF-8"
	mp4Type  = "video/mp4"
	jpegType = "image/jpeg"
)

// write sends an answer and counts it under its code.
func (s *Simulator) write(w http.ResponseWriter, status int, contentType string, body []byte, code int) {
	s.countAnswer(code)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Server", "cloudflare")
	w.WriteHeader(status)
	// The client may be gone; there is nobody to tell.
	_, _ = w.Write(body)
}

// status returns the HTTP status for a code.
func (m HTTPStatusMode) status(code int) int {
	gateway := code == http.StatusUnauthorized || code == http.StatusNotFound ||
		code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	if m == HTTPStatusReal || m == HTTPStatusMixed && gateway {
		return code
	}
	return http.StatusOK
}
