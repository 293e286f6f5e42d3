// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"net/http"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// ExtendRequest asks for the continuation of a finished video. Its shape and
// resolution are those of the source.
type ExtendRequest struct {
	// TaskID is the task that made the source. A source that was upgraded cannot be continued any more.
	TaskID string `json:"taskId"`
	Prompt string `json:"prompt"`
	Seed   *int32 `json:"seeds,omitempty"`
	// Model is one of the words of this endpoint, "fast", "quality" and "lite": see ExtendModel.
	Model string `json:"model,omitempty"`
	// Watermark is burnt into the video.
	Watermark string `json:"watermark,omitempty"`
	// CallbackURL is the only handle of the caller's choosing that comes back with the result.
	CallbackURL string `json:"callBackUrl,omitempty"`
}

// ExtendModel is the word by which the endpoint for extensions calls a model of
// the endpoint for generations. Another word is returned as it is, so that the
// API refuses it instead of buying something else.
func ExtendModel(model string) string {
	switch model {
	case "veo3":
		return "quality"
	case "veo3_fast":
		return "fast"
	case "veo3_lite":
		return "lite"
	default:
		return model
	}
}

// Purchase is the request that buys the continuation of a video: POST
// /api/v1/veo/extend (reference, section 7).
func (r ExtendRequest) Purchase() kie.Purchase {
	return kie.Purchase{
		Path: "/api/v1/veo/extend", Body: r, CallbackURL: r.CallbackURL,
		Source: r.TaskID, MissesSource: missesSource,
	}
}

// missesSource reports whether a refusal by the API itself says that it does not
// have the task that the request was about.
func missesSource(code int, message string) bool {
	switch code {
	case http.StatusNotFound:
		return true
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		said := saidOfRecord(message)
		return said == recordMissing || said == recordForgotten
	default:
		return false
	}
}
