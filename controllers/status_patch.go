// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// conflictDelay is how long the cache is given to show what a conflict was about.
const conflictDelay = 100 * time.Millisecond

// persistTimeout bounds the writes after a purchase, on a clock of their own.
const persistTimeout = 10 * time.Second

// errOvertaken says that the attempt is no longer the current one, or that a
// write of the same has arrived after all.
var errOvertaken = errors.New("the task has changed meanwhile")

// quietConflict makes a stale view, which is everyday life, a later look and no error.
func quietConflict(err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err), errors.Is(err, errOvertaken):
		return ctrl.Result{RequeueAfter: conflictDelay}, nil
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil
	default:
		return ctrl.Result{}, err
	}
}

// writeStatus writes the status if it differs from the stored one.
func (r *VideoGenerationReconciler) writeStatus(ctx context.Context, l *life) error {
	if equality.Semantic.DeepEqual(l.stored.Status, l.vg.Status) {
		return nil
	}
	return r.lockStatus(ctx, l)
}

// lockStatus writes the status, and fails with a conflict if the resource has
// changed in any way since it was read, even if there is nothing to write.
func (r *VideoGenerationReconciler) lockStatus(ctx context.Context, l *life) error {
	before := l.stored.DeepCopy()
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, l.vg, patch); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	l.stored = l.vg.DeepCopy()
	announce(r.Recorder, r.Metrics, before, l.vg)
	return nil
}

// operation is one step of a JSON Patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// persistTask writes what became of the purchase of an attempt. It does so
// whatever else has changed meanwhile, as long as the attempt is still the
// current one and in the state that is known, on a context that outlives a
// shutdown, and again when the API server fails. A write that arrives after its
// time therefore changes nothing.
func (r *VideoGenerationReconciler) persistTask(ctx context.Context, l *life, attempt string, task *v1alpha1.Task) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()

	l.vg.Status.Task = task
	summarize(l.vg, l.wait, r.Clock.Now())
	set := operation{Op: "add", Path: "/status/task", Value: task}
	if task == nil {
		set = operation{Op: "remove", Path: "/status/task"}
	}
	operations := []operation{
		{Op: "test", Path: "/status/task/attempt", Value: attempt},
		{Op: "test", Path: "/status/task/state", Value: l.stored.Status.Task.State},
		set,
		{Op: "add", Path: "/status/conditions", Value: l.vg.Status.Conditions},
		{Op: "add", Path: "/status/observedGeneration", Value: l.vg.Status.ObservedGeneration},
	}
	if account := l.vg.Status.Account; account != "" && account != l.stored.Status.Account {
		operations = append(operations, operation{Op: "add", Path: "/status/account", Value: account})
	}
	switch had, has := len(l.stored.Status.History), len(l.vg.Status.History); {
	case has > 0:
		operations = append(operations, operation{Op: "add", Path: "/status/history", Value: l.vg.Status.History})
	case had > 0:
		operations = append(operations, operation{Op: "remove", Path: "/status/history"})
	}
	body, err := json.Marshal(operations)
	if err != nil {
		return fmt.Errorf("building the patch: %w", err)
	}

	before := l.stored.DeepCopy()
	var failure error
	err = wait.ExponentialBackoffWithContext(ctx, r.PersistBackoff, func(ctx context.Context) (bool, error) {
		fresh := l.stored.DeepCopy()
		failure = r.Client.Status().Patch(ctx, fresh, client.RawPatch(types.JSONPatchType, body))
		switch {
		case failure == nil:
			l.vg, l.stored = fresh, fresh.DeepCopy()
			return true, nil
		case apierrors.IsInvalid(failure):
			return false, errOvertaken
		case apierrors.IsNotFound(failure):
			return false, failure
		default:
			return false, nil
		}
	})
	switch {
	case errors.Is(err, errOvertaken), err != nil && failure == nil:
		return fmt.Errorf("writing the task: %w", err)
	case err != nil:
		return fmt.Errorf("writing the task: %w", failure)
	}
	announce(r.Recorder, r.Metrics, before, l.vg)
	return nil
}

// mirror copies the id of the paid task to an annotation, which survives a
// backup that leaves the status out. When it lets the next step go on, the
// annotation is there.
func (r *VideoGenerationReconciler) mirror(ctx context.Context, l *life) (bool, error) {
	task := l.vg.Status.Task
	if task == nil || task.ID == "" || l.vg.Annotations[v1alpha1.AnnotationTaskID] == task.ID {
		return false, nil
	}
	// The lock keeps the id of one resource from being written to another that has taken its name.
	marked := l.stored.DeepCopy()
	patch := client.MergeFromWithOptions(l.stored.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if marked.Annotations == nil {
		marked.Annotations = map[string]string{}
	}
	marked.Annotations[v1alpha1.AnnotationTaskID] = task.ID
	if err := r.Client.Patch(ctx, marked, patch); err != nil {
		return true, fmt.Errorf("writing the annotation %s: %w", v1alpha1.AnnotationTaskID, err)
	}
	changed := l.vg.Status
	l.vg, l.stored = marked, marked.DeepCopy()
	l.vg.Status = changed
	return false, nil
}
