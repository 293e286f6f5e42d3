// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/report"
)

// writeStatus writes the status if it differs from the stored one.
func (r *Reconciler) writeStatus(ctx context.Context, l *scope) error {
	if equality.Semantic.DeepEqual(l.stored.Status, l.vg.Status) {
		return nil
	}
	return r.lockStatus(ctx, l)
}

// lockStatus writes the status, and fails with a conflict if the resource has
// changed in any way since it was read, even if there is nothing to write.
func (r *Reconciler) lockStatus(ctx context.Context, l *scope) error {
	before := l.stored.DeepCopy()
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, l.vg, patch); err != nil {
		return &report.WriteError{What: "writing the status", Err: err}
	}
	l.stored = l.vg.DeepCopy()
	report.Announce(r.Recorder, r.Metrics, before, l.vg)
	return nil
}

// sayUnwrittenEvery is how often it is said of a resource that its status is refused.
const sayUnwrittenEvery = time.Hour

// sayUnwritten says that the API server refuses the status of a resource, which
// then cannot say it itself.
func (r *Reconciler) sayUnwritten(ctx context.Context, l *scope, err error) {
	failed, ok := errors.AsType[*report.WriteError](err)
	now := r.Clock.Now()
	if !ok || !report.IsRefused(failed.Err) || now.Before(l.known.unwrittenSaid.Add(sayUnwrittenEvery)) {
		return
	}
	l.known.unwrittenSaid = now
	paid := ""
	if id := l.known.accepted.taskID; id != "" {
		paid = fmt.Sprintf("; task %s is paid for, and only in memory and in the log", id)
	}
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonStatusNotWritten, report.ActionReconcile, "%s", report.BoundedNote(report.WithoutAttempts(fmt.Sprintf(
		"the status cannot be written, so it does not go on%s: allow the operator to patch videogenerations/status. %s", paid, report.FailureText(failed.Err)), l.vg)))
	log.FromContext(ctx).Info("The status of a VideoGeneration is refused", "taskID", l.known.accepted.taskID, "reason", apierrors.ReasonForError(failed.Err))
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
func (r *Reconciler) persistTask(ctx context.Context, l *scope, attempt string, task *v1alpha1.Task) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), report.PersistTimeout)
	defer cancel()

	l.vg.Status.Task = task
	l.summarize(r.Clock.Now())
	body, err := json.Marshal(taskOperations(l, attempt, task))
	if err != nil {
		return fmt.Errorf("building the patch: %w", err)
	}
	before := l.stored.DeepCopy()
	if err := r.patchTask(ctx, l, attempt, body); err != nil {
		return err
	}
	report.Announce(r.Recorder, r.Metrics, before, l.vg)
	return nil
}

// taskOperations is the patch that writes what became of a purchase, and all that
// goes with it. It fails if the attempt is not the current one, or is in another
// state.
func taskOperations(l *scope, attempt string, task *v1alpha1.Task) []operation {
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
	for _, count := range []struct {
		path     string
		had, has int32
	}{
		{"/status/purchases", l.stored.Status.Purchases, l.vg.Status.Purchases},
		{"/status/resubmissions", l.stored.Status.Resubmissions, l.vg.Status.Resubmissions},
	} {
		switch {
		case count.has > 0:
			operations = append(operations, operation{Op: "add", Path: count.path, Value: count.has})
		case count.had > 0:
			operations = append(operations, operation{Op: "remove", Path: count.path})
		}
	}
	switch had, has := len(l.stored.Status.RefusedAttempts), len(l.vg.Status.RefusedAttempts); {
	case has > 0:
		operations = append(operations, operation{Op: "add", Path: "/status/refusedAttempts", Value: l.vg.Status.RefusedAttempts})
	case had > 0:
		operations = append(operations, operation{Op: "remove", Path: "/status/refusedAttempts"})
	}
	if account := l.vg.Status.Account; !account.IsZero() && account != l.stored.Status.Account {
		operations = append(operations, operation{Op: "add", Path: "/status/account", Value: account})
	}
	switch had, has := len(l.stored.Status.History), len(l.vg.Status.History); {
	case has > 0:
		operations = append(operations, operation{Op: "add", Path: "/status/history", Value: l.vg.Status.History})
	case had > 0:
		operations = append(operations, operation{Op: "remove", Path: "/status/history"})
	}
	return operations
}

// patchTask sends the patch, repeats it while the API server fails, and takes over
// what is stored then. A failed test in the patch and a write that somebody refuses
// get the same answers: only the resource itself can tell which it is.
func (r *Reconciler) patchTask(ctx context.Context, l *scope, attempt string, body []byte) error {
	var failure error
	err := wait.ExponentialBackoffWithContext(ctx, r.PersistBackoff, func(ctx context.Context) (bool, error) {
		fresh := l.stored.DeepCopy()
		failure = r.Client.Status().Patch(ctx, fresh, client.RawPatch(types.JSONPatchType, body))
		switch {
		case failure == nil:
			l.vg, l.stored = fresh, fresh.DeepCopy()
			return true, nil
		case apierrors.IsInvalid(failure), apierrors.IsConflict(failure):
			// The test in the patch has failed, or somebody refuses the write: only the resource itself can tell.
			current, err := r.isCurrent(ctx, l.stored, attempt, l.stored.Status.Task.State)
			switch {
			case err != nil:
				return false, nil //nolint:nilerr // that is trouble of its own, and tried again
			case current:
				return false, failure
			default:
				return false, report.ErrOvertaken
			}
		case apierrors.IsNotFound(failure), report.IsRefused(failure):
			return false, failure
		default:
			return false, nil
		}
	})
	switch {
	case errors.Is(err, report.ErrOvertaken), err != nil && failure == nil:
		return fmt.Errorf("writing the task: %w", err)
	case err != nil:
		return &report.WriteError{What: "writing the task", Err: failure}
	}
	return nil
}
