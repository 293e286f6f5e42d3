// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// How long a failed video waits until it is bought again: twice as long after
// each failure.
const (
	firstRetryAfter = 30 * time.Second
	maxRetryAfter   = 10 * time.Minute
)

// retry brings a video that KIE.AI could not make back to be bought again, as
// often as spec.retry allows and with more time between the tries each time.
//
// When it lets the next step go on, l.again says whether the video is to be
// bought again now.
func (r *VideoGenerationReconciler) retry(_ context.Context, l *scope) (bool, error) {
	if needsPurchase(l.vg) || !retryPending(l.vg) {
		return false, nil
	}
	if at := retryAt(l.vg.Status.Task); r.Clock.Now().Before(at) {
		l.requeueBy(at)
		return true, nil
	}
	l.again = true
	return false, nil
}

// retryMessage says when the video is bought again.
func retryMessage(vg *v1alpha1.VideoGeneration) string {
	return fmt.Sprintf("KIE.AI could not make the video at attempt %d of %d; it is bought again after %s",
		vg.Status.Task.Number, vg.Spec.Retry.MaxAttempts, retryAt(vg.Status.Task).UTC().Format(time.RFC3339))
}

// retryPending reports whether the video failed in a way that another purchase
// may change, and one more is allowed. A refused prompt is refused again; a
// purchase of which nothing is known is never made again without a user, and
// neither is a task that was taken over: how often it was bought before is not
// known.
func retryPending(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	if !failedFor(task, v1alpha1.ReasonGenerationFailed) || isAdopted(task) || task.Number >= vg.Spec.Retry.MaxAttempts {
		return false
	}
	switch ptr.Deref(task.Failure.Code, 0) {
	case http.StatusInternalServerError, http.StatusNotImplemented: // KIE.AI's codes for "internal error or timeout" and "generation failed"
		return true
	default:
		return false
	}
}

// retryAt is when the next purchase may follow a failed one.
func retryAt(task *v1alpha1.Task) time.Time {
	ended := task.SubmittedAt.Time
	if task.CompletedAt != nil {
		ended = task.CompletedAt.Time
	}
	after := maxRetryAfter
	if doublings := task.Number - 1; doublings < 10 {
		after = min(firstRetryAfter<<max(doublings, 0), maxRetryAfter)
	}
	return ended.Add(after)
}
