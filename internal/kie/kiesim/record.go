// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/json"
	"net/http"
	"time"
)

// record is the data of an answer of record-info, with the keys that were seen.
// Upgrades have no FallbackFlag.
type record struct {
	TaskID          string          `json:"taskId"`
	ParamJSON       string          `json:"paramJson"`
	CompleteTime    any             `json:"completeTime"`
	Response        *recordResponse `json:"response"`
	SuccessFlag     int             `json:"successFlag"`
	ErrorCode       *int            `json:"errorCode"`
	ErrorMessage    *string         `json:"errorMessage"`
	CreateTime      any             `json:"createTime"`
	FallbackFlag    *bool           `json:"fallbackFlag,omitempty"`
	CreditsConsumed json.Number     `json:"creditsConsumed,omitempty"`
}

// recordResponse is the result in a record. An upgrade has no FullResultURLs and
// nothing else has MediaIDs and ImageURLs.
type recordResponse struct {
	TaskID         string   `json:"taskId"`
	Resolution     string   `json:"resolution"`
	OriginURLs     any      `json:"originUrls"`
	ResultURLs     any      `json:"resultUrls"`
	FullResultURLs any      `json:"fullResultUrls,omitempty"`
	HasAudioList   []bool   `json:"hasAudioList,omitempty"`
	Seeds          []int    `json:"seeds,omitempty"`
	MediaIDs       []string `json:"mediaIds,omitempty"`
	ImageURLs      any      `json:"imageUrls,omitempty"`
}

// recordInfo serves GET /api/v1/veo/record-info, the last word on a task.
func (s *Simulator) recordInfo(w http.ResponseWriter, r *http.Request) {
	asked, now := s.poll(r.URL.Query().Get("taskId"))
	if asked == nil {
		s.reply(w, r, ReplyUnknown)
		return
	}
	instead := asked.bought().reply(now)
	switch {
	case instead != "":
		s.reply(w, r, instead)
	case now.Sub(asked.bought().created) > retention:
		s.refuse(w, http.StatusUnprocessableEntity, recordTooOld)
	default:
		s.succeed(w, asked.record(now))
	}
}

// poll finds the purchase with an id, counts the question and returns its time.
func (s *Simulator) poll(id string) (purchase, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.ledger.byID[id]
	if asked != nil {
		asked.bought().polls++
	}
	return asked, s.options.Now()
}

// recordStart returns what is known of any purchase at a time, without its result.
// It depends on nothing that a callback said.
func (j *job) recordStart(now time.Time) record {
	result := record{TaskID: j.id, CreateTime: j.recordTime(j.created)}
	if !j.finished(now) {
		return result
	}
	result.CompleteTime = j.recordTime(j.finish)
	if !j.shown(now) {
		return result
	}
	result.SuccessFlag = j.outcome.successFlag()
	if !j.outcome.succeeded() {
		result.ErrorCode = &j.outcome.code
		result.ErrorMessage = &j.outcome.message
		return result
	}
	result.CreditsConsumed = j.consumed(j.faults.ShowCredits)
	return result
}

// record implements purchase.
func (t *task) record(now time.Time) record {
	result := t.recordStart(now)
	result.ParamJSON = t.request.echo()
	fallback := result.SuccessFlag == 1 && t.outcome.fallback
	result.FallbackFlag = &fallback
	response := &recordResponse{
		TaskID:       t.id,
		Resolution:   t.result.resolution,
		OriginURLs:   t.faults.URLs.of(t.originURLs()),
		HasAudioList: []bool{!t.faults.NoAudio},
		Seeds:        []int{t.seed},
	}
	switch {
	case result.SuccessFlag == 1:
		response.ResultURLs = t.faults.URLs.of(t.resultURLs())
		response.FullResultURLs = t.shownFullResultURLs()
		result.Response = response
	case result.SuccessFlag == 0 && !t.originAt.IsZero() && !now.Before(t.originAt):
		// KIE shows the video at 720p while it makes a larger one.
		result.Response = response
	}
	return result
}

// recordTime returns a time as KIE shows it: milliseconds that are always whole
// seconds, or the text of its documentation.
func (j *job) recordTime(at time.Time) any {
	if j.faults.TextTimes {
		return at.UTC().Format(time.DateTime)
	}
	return at.Unix() * 1000
}
