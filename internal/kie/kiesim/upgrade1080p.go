// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"strconv"
	"time"
)

// notReady1080p are the answers about an upgrade that is running, by code; clients
// saw all three. KIE documents the text of 400.
var notReady1080p = map[int]string{
	400: "1080P is processing. It should be ready in 1-2 minutes. Please check back shortly.",
	422: "The 1080P video is being generated. Please check back shortly.",
	500: "",
}

// get1080p serves GET /api/v1/veo/get-1080p-video, which has to be asked again
// until the video is there: nobody is called back.
func (s *Simulator) get1080p(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	request := upgradeRequest{taskID: query.Get("taskId"), resolution: resolution1080p}
	if text := query.Get("index"); text != "" {
		index, err := strconv.Atoi(text)
		if err != nil {
			s.refuse(w, http.StatusUnprocessableEntity, "index has the wrong type")
			return
		}
		request.index = index
	}
	s.order(w, r, request, func(u *upgrade, _ bool, now time.Time) { s.tell1080p(w, u, now) })
}

func (s *Simulator) tell1080p(w http.ResponseWriter, u *upgrade, now time.Time) {
	switch u.state(now) {
	case TaskRunning:
		code := u.faults.NotReady
		if code == 0 {
			code = 400
		}
		s.refuse(w, code, notReady1080p[code])
	case TaskFailed:
		s.refuse(w, u.outcome.code, u.outcome.message)
	default:
		name := "resultUrl"
		if u.faults.SnakeAnswer {
			name = "result_url"
		}
		s.succeed(w, map[string]string{name: u.resultURLs()[0]})
	}
}
