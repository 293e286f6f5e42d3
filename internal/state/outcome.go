// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/http"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// FailRefused ends a task that KIE.AI refused to take.
func FailRefused(task *v1alpha1.Task, refusal *kie.Error, now time.Time) {
	reason, ok := FailureReasons[refusal.Class]
	if !ok {
		reason = v1alpha1.ReasonGenerationFailed
	}
	EndTask(task, reason, refusal.Code, Saying(refusal.Message, "KIE.AI refused the request; nothing was bought"), now)
}

// FailRecord ends a task that KIE.AI says has failed.
func FailRecord(task *v1alpha1.Task, record kie.Record, fallback bool, now time.Time) {
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
	EndTask(task, reason, record.ErrorCode, Saying(record.ErrorMessage, advice), now)
}

// Saying joins our advice with KIE.AI's own words.
func Saying(theirs, ours string) string {
	if theirs == "" {
		return ours
	}
	return ours + ". KIE.AI says: " + theirs
}

// FailureReasons has the reason with which a task ends after each class of failure.
var FailureReasons = map[kie.Class]string{
	kie.Invalid:          v1alpha1.ReasonInvalidRequest,
	kie.ContentRejected:  v1alpha1.ReasonContentRejected,
	kie.GenerationFailed: v1alpha1.ReasonGenerationFailed,
	kie.FeatureDisabled:  v1alpha1.ReasonFeatureDisabled,
	kie.SourceNotFound:   v1alpha1.ReasonSourceFailed,
}
