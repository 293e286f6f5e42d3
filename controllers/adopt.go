// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"k8s.io/utils/ptr"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// adopt gives the resource a task that is already paid for: because the user
// says so with kie.ai/adopt-task-id, or because the resource carries
// kie.ai/task-id and has no status, as after a restore from a backup.
//
// When it lets the next step go on, either there is nothing to adopt or the
// task is stored. It never buys.
func (r *VideoGenerationReconciler) adopt(ctx context.Context, l *life) (bool, error) {
	id, annotation := taskToAdopt(l.vg)
	if id == "" {
		return false, nil
	}
	if !kie.ValidTaskID(id) {
		l.wait = waiting{kind: stalled, reason: v1alpha1.ReasonInvalidTaskID,
			message: fmt.Sprintf("annotation %s holds no task id: correct it, or remove it to buy the video", annotation)}
		// A purchase whose answer was lost may still be found by its callback.
		return !isLost(l.vg.Status.Task), nil
	}
	task := l.vg.Status.Task
	if task == nil {
		// The attempt that bought the task is not known here; this one only fills the place.
		task = &v1alpha1.Task{Attempt: newAttempt(), Number: 1}
	}
	task.ID, task.Adopted, task.State = id, ptr.To(true), v1alpha1.TaskRunning
	task.SubmittedAt = metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
	task.Failure, task.CompletedAt = nil, nil
	l.vg.Status.Task = task
	summarize(l.vg, l.wait, r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	l.known.startOver()
	l.known.lookAt = r.Clock.Now()
	return false, nil
}

// taskToAdopt returns the task that an annotation offers, if the resource has
// none that it knows of.
func taskToAdopt(vg *v1alpha1.VideoGeneration) (id, annotation string) {
	task := vg.Status.Task
	offered := vg.Annotations[v1alpha1.AnnotationAdoptTaskID]
	switch {
	case offered != "" && (task == nil || isLost(task)),
		offered != "" && failedFor(task, v1alpha1.ReasonTaskNotFound) && task.ID != offered:
		return offered, v1alpha1.AnnotationAdoptTaskID
	case task == nil:
		return vg.Annotations[v1alpha1.AnnotationTaskID], v1alpha1.AnnotationTaskID
	default:
		return "", ""
	}
}
