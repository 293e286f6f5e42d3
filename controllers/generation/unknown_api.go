// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"

	"github.com/kie-operator/kie-operator/internal/state"
)

// holdUnknownAPI leaves a task alone that belongs to an API which this operator
// does not use: a later version of the operator has bought it. Another API does not know
// its id, and would have it ended though it is paid for.
//
// When it lets the next step go on, the task belongs to the Veo API, or has ended
// and nothing is to be bought.
func (r *Reconciler) holdUnknownAPI(_ context.Context, l *scope) (bool, error) {
	task := l.vg.Status.Task
	_, calledBack := state.CalledBackRefused(l.vg)
	rests := task.Settled() && !state.NeedsPurchase(l.vg) && !state.RetryPending(l.vg) && !calledBack
	if !state.IsOfUnknownAPI(task) || rests {
		return false, nil
	}
	l.wait = state.UnknownAPI(task)
	return true, nil
}
