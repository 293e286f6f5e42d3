// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// adopt gives the resource a task that is already paid for: because the user
// says so with kie-operator.github.io/adopt-task-id, or because the resource carries
// kie-operator.github.io/task-id and has no status, as after a restore from a backup. One that
// carries kie-operator.github.io/attempt instead has a purchase whose task is not known, and
// waits for its callback.
//
// When it lets the next step go on, there is nothing to adopt, the task is
// stored, or the annotation holds no task id and the callback of a lost purchase
// may still bring one. It never buys.
func (r *Reconciler) adopt(ctx context.Context, l *scope) (bool, error) {
	if l.vg.Annotations[v1alpha1.AnnotationAdoptTaskID] == "" {
		l.vg.Status.LastHandledAdoptTaskID = "" // the same id may be given again
	}
	id, annotation := state.TaskToAdopt(l.vg)
	if id == "" {
		return r.adoptAttempt(ctx, l)
	}
	if !kie.ValidTaskID(id) {
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonInvalidTaskID,
			Message: fmt.Sprintf("annotation %s holds no task id: correct it, or remove it to buy the video", annotation)}
		// A purchase whose answer was lost may still be found by its callback.
		return !state.IsLost(l.vg.Status.Task), nil
	}
	task := l.vg.Status.Task
	if task == nil || state.IsAdopted(task) {
		l.vg.Status.Account = v1alpha1.AccountIdentity{} // the user says which account knows it, and not what was waited for
	}
	if task == nil {
		// The attempt that bought the task is not known here; this one only fills the place.
		task = &v1alpha1.Task{Attempt: attempts.New(), Number: 1}
	}
	task.ID, task.API, task.Adopted, task.State = id, v1alpha1.TaskAPIVeo, ptr.To(true), v1alpha1.TaskRunning
	task.SubmittedAt = metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
	task.Failure, task.CompletedAt = nil, nil
	l.vg.Status.Task = task
	if annotation == v1alpha1.AnnotationAdoptTaskID {
		l.vg.Status.LastHandledAdoptTaskID = id
	}
	l.summarize(r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	l.known.task.startOver()
	l.known.task.askAt, l.known.bought = r.Clock.Now(), acceptance{}
	return false, nil
}

// adoptAttempt gives a resource without a status the purchase that its
// annotation names. Nothing is bought before it is known what became of that.
func (r *Reconciler) adoptAttempt(ctx context.Context, l *scope) (bool, error) {
	attempt := l.vg.Annotations[v1alpha1.AnnotationAttempt]
	if l.vg.Status.Task != nil || attempt == "" || l.cameToNothing(attempt) {
		return false, nil
	}
	if !attempts.Valid(attempt) {
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonInvalidTaskID,
			Message: fmt.Sprintf("annotation %s holds no attempt: remove it to buy the video", v1alpha1.AnnotationAttempt)}
		return true, nil
	}
	l.vg.Status.Task = &v1alpha1.Task{
		Attempt: attempt, Number: 1, Operation: state.OperationOf(l.vg), API: v1alpha1.TaskAPIVeo,
		SubmittedAt: metav1.NewTime(r.Clock.Now()).Rfc3339Copy(), State: v1alpha1.TaskSubmitting,
	}
	l.vg.Status.Purchases = max(l.vg.Status.Purchases, 1)
	l.summarize(r.Clock.Now())
	return false, r.writeStatus(ctx, l)
}
