// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// expire gives a task up that is not finished at its deadline, after KIE.AI has
// said so at or after the deadline: while KIE.AI cannot be asked, what was paid
// for may be there.
//
// When it lets the next step go on, l.requeueAt is no later than the deadline of
// a running task.
func (r *Reconciler) expire(_ context.Context, l *scope) (bool, error) {
	task := l.vg.Status.Task
	if task == nil || task.State != v1alpha1.TaskRunning {
		return false, nil
	}
	now, end := r.Clock.Now(), state.Deadline(l.vg)
	switch {
	case now.Before(end):
		l.requeueBy(end)
	case !l.known.task.answeredAt.Before(end):
		l.wait, l.known.task.trouble = state.Wait{}, state.Wait{} // nobody asks again, unless there is something new
		did, createdAgain := "did not finish task %s", ""
		if l.known.task.absent {
			did = "does not know task %s, which it has made, and did not finish it"
			createdAgain = l.createdAgain()
		}
		state.EndTask(task, v1alpha1.ReasonTimedOut, 0, fmt.Sprintf(
			"KIE.AI "+did+" within spec.timeout: raise spec.timeout to look again; a callback that still comes is followed%s", task.ID, createdAgain), now)
	}
	return false, nil
}
