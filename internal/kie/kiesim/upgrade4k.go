// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"time"
)

// answer4K is the data of an answer about a 4K upgrade.
type answer4K struct {
	TaskID     string `json:"taskId"`
	ResultURLs any    `json:"resultUrls"`
	ImageURLs  any    `json:"imageUrls"`
}

// snakeAnswer4K is the same in the spelling of one of KIE's schemas.
type snakeAnswer4K struct {
	TaskID     string   `json:"task_id"`
	ResultURLs any      `json:"result_urls"`
	MediaIDs   []string `json:"media_ids"`
	ImageURLs  any      `json:"image_urls"`
}

// get4K serves POST /api/v1/veo/get-4k-video. Asked again it answers code 422 even
// when the video is there, with the video.
func (s *Simulator) get4K(w http.ResponseWriter, r *http.Request) {
	request := upgradeRequest{resolution: resolution4K}
	err := decodeFields(http.MaxBytesReader(w, r.Body, maxRequestBytes), []field{
		{"taskId", &request.taskID},
		{"index", &request.index},
		{"callBackUrl", &request.callBackURL},
	})
	if err == nil {
		err = validateCallBackURL(request.callBackURL)
	}
	if err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	s.order(w, r, request, func(u *upgrade, first bool, now time.Time) { s.tell4K(w, u, first, now) })
}

func (s *Simulator) tell4K(w http.ResponseWriter, u *upgrade, first bool, now time.Time) {
	const again = http.StatusUnprocessableEntity
	switch state := u.state(now); {
	case first:
		s.succeed(w, u.answer(false))
	case state == TaskRunning:
		s.refuseWith(w, again, "4k is processing. It should be ready in 5-10 minutes. Please check back shortly.", u.answer(false))
	case state == TaskFailed:
		s.refuse(w, u.outcome.code, u.outcome.message)
	default:
		s.refuseWith(w, again, "The video has been generated successfully", u.answer(true))
	}
}

// answer returns the data about the upgrade, with the URLs once it is made.
func (u *upgrade) answer(made bool) any {
	var results, images, mediaIDs []string
	if made {
		results, images, mediaIDs = u.resultURLs(), u.imageURLs(), u.mediaIDs()
	}
	if u.faults.SnakeAnswer {
		return snakeAnswer4K{u.id, u.faults.URLs.of(results), mediaIDs, u.faults.URLs.of(images)}
	}
	return answer4K{u.id, u.faults.URLs.of(results), u.faults.URLs.of(images)}
}
