// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"io"
	"net/http"
	"time"
)

// generate serves POST /api/v1/veo/generate. KIE answers here that a task was
// accepted; whether its prompt is acceptable shows only later.
func (s *Simulator) generate(w http.ResponseWriter, r *http.Request) {
	if !s.admit() {
		s.refuse(w, http.StatusTooManyRequests, "")
		return
	}
	request, err := decodeGenerate(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	faults, err := s.fateOf(request.Prompt)
	if err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if s.refuseByFate(w, r, faults) {
		return
	}
	if err := request.validate(); err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	resolution := s.options.HighResolution.deliver(request.Resolution)
	s.submit(w, r, request, faults, terms{
		latency:    s.options.Latency,
		credits:    s.options.Prices.generation(request.Model, resolution),
		resolution: resolution,
	})
}

// submit accepts and charges a valid task, and answers.
func (s *Simulator) submit(w http.ResponseWriter, r *http.Request, request generateRequest, faults Faults, terms terms) {
	accepted, hook := s.accept(request, faults, terms, r)
	if accepted == nil {
		s.refuse(w, http.StatusPaymentRequired, "")
		return
	}
	s.options.Logger.Info("task accepted", "task", accepted.id, "model", request.Model, "credits", accepted.credits)
	if hook != nil {
		hook(accepted.public(accepted.created))
	}
	s.deliverEarly(r.Context(), accepted)
	if s.loseAnswer(w, r, faults.AcceptThen) {
		return
	}
	s.succeed(w, struct {
		TaskID string `json:"taskId"`
	}{accepted.id})
}

// admit reports whether the rate limit lets a submission through, and counts it
// if so. A refused submission does not use up the limit.
func (s *Simulator) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	admitted := &s.ledger.counters.admitted
	if s.options.RateLimit > 0 && admitted.count(now) >= s.options.RateLimit {
		return false
	}
	admitted.add(now)
	return true
}

// fateOf returns the fate of what is accepted now for a prompt.
func (s *Simulator) fateOf(prompt string) (Faults, error) {
	s.mu.Lock()
	faults := s.ledger.faults
	s.mu.Unlock()
	err := faults.apply(prompt)
	return faults, err
}

// refuseByFate refuses a submission whose fate is not to be accepted, and reports
// whether it did.
func (s *Simulator) refuseByFate(w http.ResponseWriter, r *http.Request, faults Faults) bool {
	switch {
	case faults.Submit == http.StatusForbidden:
		s.refuseBare(w)
	case faults.Submit != 0:
		s.refuse(w, faults.Submit, "")
	case faults.RefuseThen == RefuseThenDrop:
		s.dropConnection()
	case faults.RefuseThen == RefuseThen500:
		s.answerServerError(w, http.StatusInternalServerError)
	case htmlStatus(string(faults.RefuseThen)) != 0:
		s.writePage(w, r, htmlStatus(string(faults.RefuseThen)))
	default:
		return false
	}
	return true
}

// accept starts and charges a task, and returns it with the hook to call. It
// returns nil if the balance is too low.
func (s *Simulator) accept(request generateRequest, faults Faults, terms terms, r *http.Request) (*task, func(Task)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	terms.now = s.options.Now()
	terms.base = s.baseURL(r)
	terms.imageLost = s.imageLost(r, request.ImageURLs, terms.now)
	s.ledger.settle(terms.now)
	accepted := newTask(request, faults, terms)
	if !s.ledger.acceptTask(accepted) {
		return nil, nil
	}
	s.wakeRun()
	return accepted, s.ledger.onAccepted
}

// imageLost reports whether one of the images is a file of the simulator that does
// not exist. Images elsewhere are not fetched. The lock is held.
func (s *Simulator) imageLost(r *http.Request, images []string, now time.Time) bool {
	for _, image := range images {
		path, own := s.ownPath(r, image)
		if own && !s.ledger.files[path].exists(now) {
			return true
		}
	}
	return false
}

// loseAnswer lets the answer to something that was accepted get lost, if that is
// its fate, and reports whether it did.
func (s *Simulator) loseAnswer(w http.ResponseWriter, r *http.Request, then AcceptThen) bool {
	switch then {
	case AcceptThenDrop:
		s.dropConnection()
	case AcceptThenHang:
		// The server notices that a client is gone only after the body was read.
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxRequestBytes))
		<-r.Context().Done()
		s.dropConnection()
	case AcceptThen500:
		s.answerServerError(w, http.StatusInternalServerError)
	case AcceptThen502:
		s.writePage(w, r, http.StatusBadGateway)
	case AcceptThen1010:
		s.refuseBare(w)
	case AcceptThenCode500:
		s.write(w, http.StatusOK, jsonType, encode(envelope{Code: 500, Msg: answerMessages[500]}), 500)
	case AcceptThenGarbage:
		s.write(w, http.StatusOK, jsonType, []byte("\x00 upstream"), codeOK)
	case AcceptThenNoTaskID:
		s.succeed(w, struct{}{})
	default:
		status := htmlStatus(string(then))
		if status == 0 {
			return false
		}
		s.writePage(w, r, status)
	}
	return true
}

// answerServerError answers with a 5xx that is an HTTP error in every mode.
func (s *Simulator) answerServerError(w http.ResponseWriter, status int) {
	s.write(w, status, jsonType, encode(envelope{Code: status, Msg: answerMessages[status]}), status)
}
