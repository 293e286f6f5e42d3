// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"net/http"
	"time"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// How long a failed video waits until it is bought again: twice as long after
// each failure.
const (
	FirstRetryAfter = 30 * time.Second
	maxRetryAfter   = 10 * time.Minute
)

// retryMessage says when the video is bought again.
func retryMessage(vg *v1alpha1.VideoGeneration) string {
	return fmt.Sprintf("KIE.AI could not make the video at attempt %d of %d; it is bought again after %s",
		vg.Status.Task.Number, vg.Spec.Retry.MaxAttempts, RetryAt(vg.Status.Task).UTC().Format(time.RFC3339))
}

// RetryPending reports whether the video failed in a way that another purchase
// may mend, and one more is allowed. A refused prompt would be refused again. A
// purchase whose outcome is unknown is never made again unless a user asks for it,
// and neither is one of a task that was taken over: how often that was bought before
// is not known.
func RetryPending(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	if !FailedFor(task, v1alpha1.ReasonGenerationFailed) || IsAdopted(task) || task.Number >= vg.Spec.Retry.MaxAttempts {
		return false
	}
	switch ptr.Deref(task.Failure.Code, 0) {
	case http.StatusInternalServerError, http.StatusNotImplemented: // KIE.AI's codes for "internal error or timeout" and "generation failed"
		return true
	default:
		return false
	}
}

// RetryAt is when the next purchase may follow a failed one.
func RetryAt(task *v1alpha1.Task) time.Time {
	ended := task.SubmittedAt.Time
	if task.CompletedAt != nil {
		ended = task.CompletedAt.Time
	}
	return ended.Add(Backoff(FirstRetryAfter, maxRetryAfter, int(task.Number)-1))
}
