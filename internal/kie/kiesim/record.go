// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"time"
)

// record is the data of an answer of record-info, with the keys that were seen.
type record struct {
	TaskID       string          `json:"taskId"`
	ParamJSON    string          `json:"paramJson"`
	CompleteTime any             `json:"completeTime"`
	Response     *recordResponse `json:"response"`
	SuccessFlag  int             `json:"successFlag"`
	ErrorCode    *int            `json:"errorCode"`
	ErrorMessage *string         `json:"errorMessage"`
	CreateTime   any             `json:"createTime"`
	FallbackFlag bool            `json:"fallbackFlag"`
}

type recordResponse struct {
	TaskID       string `json:"taskId"`
	Resolution   string `json:"resolution"`
	OriginURLs   any    `json:"originUrls"`
	ResultURLs   any    `json:"resultUrls"`
	HasAudioList []bool `json:"hasAudioList"`
	Seeds        []int  `json:"seeds"`
}

// recordInfo serves GET /api/v1/veo/record-info, the last word on a task.
func (s *Simulator) recordInfo(w http.ResponseWriter, r *http.Request) {
	t, now := s.poll(r.URL.Query().Get("taskId"))
	if t == nil {
		s.answerUnknownRecord(w)
		return
	}
	age := now.Sub(t.created)
	switch {
	case age < t.faults.RecordNullFor:
		s.answerUnknownRecord(w)
	case age < t.faults.RecordCodeFor:
		s.refuse(w, t.faults.RecordCode, "")
	case age > retention:
		s.refuse(w, http.StatusUnprocessableEntity, "Temporarily supports records within 14 days")
	default:
		s.succeed(w, t.record(now))
	}
}

// poll finds a task, counts the question and tells the time of it.
func (s *Simulator) poll(id string) (*task, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ledger.byID[id]
	if t != nil {
		t.polls++
	}
	return t, s.options.Now()
}

func (s *Simulator) answerUnknownRecord(w http.ResponseWriter) {
	switch s.options.UnknownRecord {
	case UnknownRecordNull:
		s.succeed(w, nil)
	case UnknownRecordCode404:
		s.refuse(w, http.StatusNotFound, "")
	default:
		s.refuse(w, http.StatusUnprocessableEntity, "recordInfo is null")
	}
}

// record returns what is known of the task at a time. It depends on nothing that
// a callback said.
func (t *task) record(now time.Time) record {
	result := record{
		TaskID:     t.id,
		ParamJSON:  t.request.echo(),
		CreateTime: t.recordTime(t.created),
	}
	if !t.finished(now) {
		return result
	}
	result.CompleteTime = t.recordTime(t.finish)
	if now.Before(t.finish.Add(t.faults.Lag)) {
		return result
	}
	result.SuccessFlag = t.outcome.successFlag()
	result.FallbackFlag = t.outcome.fallback
	if !t.outcome.succeeded() {
		result.ErrorCode = &t.outcome.code
		result.ErrorMessage = &t.outcome.message
		return result
	}
	result.Response = &recordResponse{
		TaskID:       t.id,
		Resolution:   resolution,
		OriginURLs:   t.faults.URLs.of(t.originURLs()),
		ResultURLs:   t.faults.URLs.of(t.resultURLs()),
		HasAudioList: []bool{true},
		Seeds:        []int{t.seed},
	}
	return result
}

// recordTime returns a time as KIE shows it: milliseconds that are always whole
// seconds, or the text of its documentation.
func (t *task) recordTime(at time.Time) any {
	if t.faults.TextTimes {
		return at.UTC().Format(time.DateTime)
	}
	return at.Unix() * 1000
}
