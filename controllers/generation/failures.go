// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"net/http"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// failRefused ends a task that KIE.AI refused to take.
func failRefused(task *v1alpha1.Task, refusal *kie.Error, now time.Time) {
	reason, ok := failureReasons[refusal.Class]
	if !ok {
		reason = v1alpha1.ReasonGenerationFailed
	}
	state.EndTask(task, reason, refusal.Code, saying(refusal.Message, "KIE.AI refused the request; nothing was bought"), now)
}

// failRecord ends a task that KIE.AI says has failed.
func failRecord(task *v1alpha1.Task, record kie.Record, fallback bool, now time.Time) {
	reason, advice := v1alpha1.ReasonGenerationFailed, "KIE.AI could not make the video"
	switch record.ErrorCode {
	case http.StatusBadRequest:
		reason, advice = v1alpha1.ReasonContentRejected, "KIE.AI refused the prompt or an image: change it in a new VideoGeneration"
	case http.StatusUnprocessableEntity:
		reason = v1alpha1.ReasonContentRejected
		advice = "KIE.AI refused the prompt or an image: change it in a new VideoGeneration, or set enableFallback there"
		if fallback {
			advice = "KIE.AI refused the prompt or an image, and its fallback model too: change it in a new VideoGeneration"
		}
	}
	state.EndTask(task, reason, record.ErrorCode, saying(record.ErrorMessage, advice), now)
}

// saying joins our advice with KIE.AI's own words.
func saying(theirs, ours string) string {
	if theirs == "" {
		return ours
	}
	return ours + ". KIE.AI says: " + theirs
}
