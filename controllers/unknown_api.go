// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// isOfUnknownAPI reports whether the task belongs to an API of KIE.AI that this
// operator does not use.
func isOfUnknownAPI(task *v1alpha1.Task) bool { return task != nil && !task.IsVeo() }

// holdUnknownAPI leaves a task alone that belongs to an API which this operator
// does not use: one of a later version has bought it. Another API does not know
// its id, and would have it ended though it is paid for.
//
// When it lets the next step go on, the task belongs to the Veo API, or has ended
// and nothing is to be bought.
func (r *VideoGenerationReconciler) holdUnknownAPI(_ context.Context, l *scope) (bool, error) {
	task := l.vg.Status.Task
	_, calledBack := calledBackRefused(l.vg)
	rests := task.Settled() && !needsPurchase(l.vg) && !retryPending(l.vg) && !calledBack
	if !isOfUnknownAPI(task) || rests {
		return false, nil
	}
	l.wait = unknownAPI(task)
	return true, nil
}

// unknownAPI is what a resource waits for whose task belongs to an API which this
// operator does not use.
func unknownAPI(task *v1alpha1.Task) waiting {
	return waiting{kind: retrying, reason: v1alpha1.ReasonAPIUnknown, message: fmt.Sprintf(
		"the task belongs to API %q of KIE.AI, which this version of the operator does not use: run a version that does; until then nothing is asked about the task and nothing is bought", task.API)}
}
