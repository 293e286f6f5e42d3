// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"slices"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// MaxHistory is the limit of the API on what is remembered of earlier tasks.
const MaxHistory = 20

// WithPast adds a task that another one replaces, unless it is in the history already.
func WithPast(history []v1alpha1.PastTask, task *v1alpha1.Task) []v1alpha1.PastTask {
	if task == nil {
		return history
	}
	past := v1alpha1.PastTask{
		Attempt: task.Attempt, Number: task.Number, API: task.API, Account: task.Account, ID: task.ID,
		SubmittedAt: task.SubmittedAt, CompletedAt: task.CompletedAt, Credits: task.Credits,
	}
	if failure := task.Failure; failure != nil {
		past.Code, past.Reason = failure.Code, failure.Reason
	}
	history = append(WithoutPast(history, task), past)
	return history[max(len(history)-MaxHistory, 0):]
}

// WithoutPast takes out a task that is the current one again.
func WithoutPast(history []v1alpha1.PastTask, task *v1alpha1.Task) []v1alpha1.PastTask {
	if task == nil {
		return history
	}
	return slices.DeleteFunc(slices.Clone(history), func(past v1alpha1.PastTask) bool { return past.Attempt == task.Attempt })
}
