// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

func TestSettled(t *testing.T) {
	failed := func(reason string) *v1alpha1.Task {
		return &v1alpha1.Task{State: v1alpha1.TaskFailed, Failure: &v1alpha1.TaskFailure{Reason: reason}}
	}
	for _, tc := range []struct {
		reason string
		task   *v1alpha1.Task
		want   bool
	}{
		{"there is no task", nil, false},
		{"a task without a state has just begun", &v1alpha1.Task{}, false},
		{"the purchase is under way", &v1alpha1.Task{State: v1alpha1.TaskSubmitting}, false},
		{"the video is being made", &v1alpha1.Task{State: v1alpha1.TaskRunning}, false},
		{"a state of a later version is left open", &v1alpha1.Task{State: "Paused"}, false},
		{"the video is there", &v1alpha1.Task{State: v1alpha1.TaskSucceeded}, true},
		{"KIE.AI refused it", failed("ContentRejected"), true},
		{"a failure without a cause is still a failure", &v1alpha1.Task{State: v1alpha1.TaskFailed}, true},
		{"it may be finished after the time-out", failed(v1alpha1.ReasonTimedOut), false},
		{"a callback can name the lost task", failed(v1alpha1.ReasonSubmissionUnknown), false},
		{"a task that was not found can turn up", failed(v1alpha1.ReasonTaskNotFound), false},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if got := tc.task.Settled(); got != tc.want {
				t.Errorf("Settled() = %v, want %v", got, tc.want)
			}
		})
	}
}
