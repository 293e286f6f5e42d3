// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"net/http"
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
	faults := s.faults()
	if err := faults.apply(request.Prompt); err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if s.refuseByFate(w, faults) {
		return
	}
	if err := request.validate(); err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	accepted, hook := s.accept(request, faults, r)
	if accepted == nil {
		s.refuse(w, http.StatusPaymentRequired, "")
		return
	}
	s.options.Logger.Info("task accepted", "task", accepted.id, "model", request.Model, "credits", accepted.credits)
	if hook != nil {
		hook(accepted.public(accepted.created))
	}
	if accepted.wantsCallback() && faults.EarlyCallback {
		// The client may give up meanwhile; KIE would still call it back.
		s.deliver(context.WithoutCancel(r.Context()), newDelivery(accepted))
	}
	s.answerAccepted(w, r, accepted)
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

func (s *Simulator) faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.faults
}

// refuseByFate refuses a submission whose fate is not to be accepted, and reports
// whether it did.
func (s *Simulator) refuseByFate(w http.ResponseWriter, faults Faults) bool {
	switch {
	case faults.Submit == http.StatusForbidden:
		s.refuseBare(w)
	case faults.Submit != 0:
		s.refuse(w, faults.Submit, "")
	case faults.RefuseThen == RefuseThenDrop:
		s.dropConnection()
	case faults.RefuseThen == RefuseThen500:
		s.answerServerError(w, http.StatusInternalServerError)
	default:
		return false
	}
	return true
}

// accept starts and charges a task, and returns it with the hook to call. It
// returns nil if the balance is too low.
func (s *Simulator) accept(request generateRequest, faults Faults, r *http.Request) (*task, func(Task)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.ledger.settle(now)
	accepted := newTask(request, faults, s.options.Prices[request.Model], s.videoBase(r), now, s.options.Latency)
	if !s.ledger.accept(accepted) {
		return nil, nil
	}
	s.wakeRun()
	return accepted, s.ledger.onAccepted
}

// answerAccepted tells the client the id of its task, or fails to.
func (s *Simulator) answerAccepted(w http.ResponseWriter, r *http.Request, accepted *task) {
	switch accepted.faults.AcceptThen {
	case AcceptThenDrop:
		s.dropConnection()
	case AcceptThenHang:
		<-r.Context().Done()
		s.dropConnection()
	case AcceptThen500:
		s.answerServerError(w, http.StatusInternalServerError)
	case AcceptThen502:
		s.write(w, http.StatusBadGateway, "text/html", []byte("<html><body><h1>502 Bad Gateway</h1></body></html>"),
			http.StatusBadGateway)
	case AcceptThenCode500:
		s.write(w, http.StatusOK, jsonType, encode(envelope{Code: 500, Msg: answerMessages[500]}), 500)
	case AcceptThenGarbage:
		s.write(w, http.StatusOK, jsonType, []byte("\x00 upstream"), codeOK)
	case AcceptThenNoTaskID:
		s.succeed(w, struct{}{})
	default:
		s.succeed(w, struct {
			TaskID string `json:"taskId"`
		}{accepted.id})
	}
}

// answerServerError answers with a 5xx that is an HTTP error in every mode.
func (s *Simulator) answerServerError(w http.ResponseWriter, status int) {
	s.write(w, status, jsonType, encode(envelope{Code: status, Msg: answerMessages[status]}), status)
}
