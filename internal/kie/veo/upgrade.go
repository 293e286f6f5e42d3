// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// Upgrade1080p asks for the 1080p version of one result of a successful task:
// GET /api/v1/veo/get-1080p-video (reference, section 5). The first call starts
// the work and costs credits; there is no callback, so the same call is made
// again, every 20 to 30 seconds, until the state is not Running any more. That
// takes one to three minutes, and the caller sets an end to it.
//
// Every failure is a *kie.Error and leaves open whether the work was started: the
// same call can be made again, at once or when what its Class names has changed.
func Upgrade1080p(ctx context.Context, client *kie.Client, ep kie.Endpoint, taskID string, index int) (kie.Upgrade, error) {
	path := fmt.Sprintf("/api/v1/veo/get-1080p-video?taskId=%s&index=%d", url.QueryEscape(taskID), index)
	a, err := client.Ask(ctx, ep, http.MethodGet, path, nil)
	if err != nil {
		return kie.Upgrade{}, err
	}
	return judgeUpgrade(a, running1080p, ep.APIKey)
}

// Upgrade4KRequest asks for the 4K version of a video.
type Upgrade4KRequest struct {
	// TaskID is the task that made the video, and Index the place of the video among its results.
	TaskID string `json:"taskId"`
	Index  int    `json:"index"`
	// CallbackURL should be another one than that of the task: the callback may name the source or a new task.
	CallbackURL string `json:"callBackUrl,omitempty"`
}

// Upgrade4K asks for the 4K version of one result of a successful task: POST
// /api/v1/veo/get-4k-video (reference, section 6). The first call starts the
// work and costs credits. The same call made again is how one asks for its
// state, and a callback's word is confirmed: the API answers it as a duplicate
// and does not start the work twice. That takes five to ten minutes, and 30
// seconds between two calls are enough.
//
// Every failure is a *kie.Error and leaves open whether the work was started: the
// same call can be made again, at once or when what its Class names has changed.
func Upgrade4K(ctx context.Context, client *kie.Client, ep kie.Endpoint, request Upgrade4KRequest) (kie.Upgrade, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return kie.Upgrade{}, &kie.Error{Class: kie.Invalid, Err: err}
	}
	a, err := client.Ask(ctx, ep, http.MethodPost, "/api/v1/veo/get-4k-video", body)
	if err != nil {
		return kie.Upgrade{}, err
	}
	return judgeUpgrade(a, running4K, ep.APIKey, request.CallbackURL)
}
