// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// defaultExtendModel is the tier of an extension that names none. The tiers are
// not the models of a generation.
const defaultExtendModel = "fast"

// notExtendable is what KIE's documentation says of originals that were upgraded.
const notExtendable = "videos generated after 1080P generation cannot be extended"

// extendRequest is the body of POST /api/v1/veo/extend.
type extendRequest struct {
	TaskID      string
	Prompt      string
	Seeds       *int
	Model       string
	Watermark   string
	CallBackURL string
}

func decodeExtend(body io.Reader) (extendRequest, error) {
	request := extendRequest{Model: defaultExtendModel}
	err := decodeFields(body, []field{
		{"taskId", &request.TaskID},
		{"prompt", &request.Prompt},
		{"seeds", &request.Seeds},
		{"model", &request.Model},
		{"watermark", &request.Watermark},
		{"callBackUrl", &request.CallBackURL},
	})
	return request, err
}

// validate returns the first rule of KIE's documentation that the request breaks.
func (r extendRequest) validate() error {
	switch {
	case r.TaskID == "":
		return errors.New("taskId is required")
	case strings.TrimSpace(r.Prompt) == "":
		return errors.New("prompt is required")
	case !slices.Contains([]string{"fast", "quality", "lite"}, r.Model):
		return fmt.Errorf("model %q is not supported: use fast, quality or lite", r.Model)
	}
	if err := validateSeeds(r.Seeds); err != nil {
		return err
	}
	return validateCallBackURL(r.CallBackURL)
}

// continuing returns the request as a task that goes on from the original, whose
// form it takes.
func (r extendRequest) continuing(original *task) generateRequest {
	return generateRequest{
		Prompt:      r.Prompt,
		Model:       r.Model,
		AspectRatio: original.request.AspectRatio,
		Seeds:       r.Seeds,
		CallBackURL: r.CallBackURL,
		Watermark:   r.Watermark,
		Extends:     r.TaskID,
	}
}

// extend serves POST /api/v1/veo/extend, which buys a new task. Its fate is in its
// own prompt, not in that of the original.
func (s *Simulator) extend(w http.ResponseWriter, r *http.Request) {
	if !s.admit() {
		s.refuse(w, http.StatusTooManyRequests, "")
		return
	}
	request, err := decodeExtend(http.MaxBytesReader(w, r.Body, maxRequestBytes))
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
	original, refused := s.extendable(request.TaskID)
	if refused.code != 0 {
		s.refuse(w, refused.code, refused.message)
		return
	}
	s.submit(w, r, request.continuing(original), faults, terms{
		latency:    s.options.Latency,
		credits:    s.options.Prices.extension(request.Model),
		resolution: resolution720p,
		extends:    original,
	})
}

// refusal is why something cannot be bought. The zero value is none.
type refusal struct {
	code    int
	message string
}

// extendable finds the task that is to be continued.
func (s *Simulator) extendable(id string) (*task, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	known, absent := s.recall(id, now)
	switch original := known.(type) {
	case *task:
		if reason := s.ledger.unextendable(original, now); reason != "" {
			return nil, refusal{http.StatusUnprocessableEntity, reason}
		}
		return original, refusal{}
	case *upgrade:
		return nil, refusal{http.StatusUnprocessableEntity, notExtendable}
	default:
		if absent == ReplyNotExist {
			return nil, refusal{http.StatusUnprocessableEntity, replyTexts[absent]}
		}
		return nil, refusal{http.StatusNotFound, "The original video task does not exist"}
	}
}

// unextendable returns why a task cannot be continued, empty if it can. KIE's
// documentation rules out what was upgraded to 1080p; clients found that a video
// of more than 720p cannot be extended either.
func (l *ledger) unextendable(original *task, now time.Time) string {
	if reason := original.unusable(now); reason != "" {
		return reason
	}
	if original.result.resolution != resolution720p {
		return notExtendable
	}
	for _, u := range l.upgrades {
		if u.of == original && u.resolution == resolution1080p && u.state(now) != TaskFailed {
			return notExtendable
		}
	}
	return ""
}
