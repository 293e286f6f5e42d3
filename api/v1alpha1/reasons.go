// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Reasons for which a task is given up although KIE.AI may still finish it.
const (
	// ReasonTimedOut means that the task was not finished in time.
	ReasonTimedOut = "TimedOut"
	// ReasonSubmissionUnknown means that the answer to the purchase was lost, so that nobody knows whether
	// there is a task.
	ReasonSubmissionUnknown = "SubmissionUnknown"
	// ReasonTaskNotFound means that KIE.AI said it does not know the task.
	ReasonTaskNotFound = "TaskNotFound"
)
