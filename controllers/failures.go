// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// maxFailureMessage is the limit of the API on the message of a failure, in bytes.
const maxFailureMessage = 1024

// endTask ends a task without a video.
func endTask(task *v1alpha1.Task, reason string, code int, message string, now time.Time) {
	failure := &v1alpha1.TaskFailure{Reason: reason, Message: boundedMessage(message)}
	if code != 0 {
		failure.Code = ptr.To(int32(code)) //nolint:gosec // codes are bounded when they are decoded
	}
	task.State, task.Failure = v1alpha1.TaskFailed, failure
	task.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
}

// boundedMessage cuts a text to what the status and the note of an Event hold,
// between two characters.
func boundedMessage(message string) string {
	end := min(len(message), maxFailureMessage)
	for end < len(message) && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end]
}

// failRefused ends a task that KIE.AI refused to take.
func failRefused(task *v1alpha1.Task, refusal *kie.Error, now time.Time) {
	reason, ok := failureReasons[refusal.Class]
	if !ok {
		reason = v1alpha1.ReasonGenerationFailed
	}
	endTask(task, reason, refusal.Code, saying(refusal.Message, "KIE.AI refused the request; nothing was bought"), now)
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
	endTask(task, reason, record.ErrorCode, saying(record.ErrorMessage, advice), now)
}

// saying joins our advice with KIE.AI's own words.
func saying(theirs, ours string) string {
	if theirs == "" {
		return ours
	}
	return ours + ". KIE.AI says: " + theirs
}
