// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// maxFailureMessage is the limit of the API on the message of a failure, in characters.
const maxFailureMessage = 1024

// EndTask ends a task without a video.
func EndTask(task *v1alpha1.Task, reason string, code int, message string, now time.Time) {
	failure := &v1alpha1.TaskFailure{Reason: reason, Message: BoundedMessage(message)}
	if code != 0 {
		failure.Code = ptr.To(int32(code)) //nolint:gosec // codes are bounded when they are decoded
	}
	task.State, task.Failure = v1alpha1.TaskFailed, failure
	task.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
}

// BoundedMessage cuts a text to what the message of a failure holds.
func BoundedMessage(message string) string {
	runes := []rune(message)
	return string(runes[:min(len(runes), maxFailureMessage)])
}
