// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// TaskToAdopt returns the task that an annotation offers, if the resource has
// none that it knows of.
func TaskToAdopt(vg *v1alpha1.VideoGeneration) (id, annotation string) {
	task := vg.Status.Task
	offered := vg.Annotations[v1alpha1.AnnotationAdoptTaskID]
	if offered == vg.Status.LastHandledAdoptTaskID {
		offered = "" // an annotation acts once: the task in the status is a later purchase
	}
	switch {
	case offered != "" && (task == nil || IsLost(task) || FailedFor(task, v1alpha1.ReasonTaskNotFound)):
		return offered, v1alpha1.AnnotationAdoptTaskID
	case task == nil:
		return vg.Annotations[v1alpha1.AnnotationTaskID], v1alpha1.AnnotationTaskID
	default:
		return "", ""
	}
}

// GitOpsOwner names the tool that applies the resource from a repository, if
// there are signs of one.
func GitOpsOwner(vg *v1alpha1.VideoGeneration) string {
	for _, sign := range []struct{ key, tool string }{
		{"argocd.argoproj.io/instance", "Argo CD"},
		{"argocd.argoproj.io/tracking-id", "Argo CD"},
		{"kustomize.toolkit.fluxcd.io/name", "Flux"},
		{"helm.toolkit.fluxcd.io/name", "Flux"},
		{"meta.helm.sh/release-name", "Helm"},
	} {
		if vg.Labels[sign.key] != "" || vg.Annotations[sign.key] != "" {
			return sign.tool
		}
	}
	return ""
}

// InFlight reports whether the task is, or may be, at work at KIE.AI.
func InFlight(task *v1alpha1.Task) bool {
	return task != nil && (task.State == v1alpha1.TaskSubmitting || task.State == v1alpha1.TaskRunning)
}

// IsAdopted reports whether the task was given to the resource by annotation.
func IsAdopted(task *v1alpha1.Task) bool {
	return task != nil && task.Adopted != nil && *task.Adopted
}

// FailedFor reports whether the task ended for the reason.
func FailedFor(task *v1alpha1.Task, reason string) bool {
	return task != nil && task.State == v1alpha1.TaskFailed && task.Failure != nil && task.Failure.Reason == reason
}

// IsLost reports whether the purchase was begun and its answer is not known.
func IsLost(task *v1alpha1.Task) bool {
	return task != nil && task.ID == "" &&
		(task.State == v1alpha1.TaskSubmitting || FailedFor(task, v1alpha1.ReasonSubmissionUnknown))
}

// NeedsPurchase reports whether something is to be bought: nothing was so far,
// or the user asks to buy again what has failed or was lost. Asking names the
// attempt, so that one annotation buys once.
func NeedsPurchase(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	if task == nil {
		return vg.Annotations[v1alpha1.AnnotationTaskID] == "" && vg.Annotations[v1alpha1.AnnotationAdoptTaskID] == "" &&
			vg.Annotations[v1alpha1.AnnotationAttempt] == ""
	}
	return vg.Annotations[v1alpha1.AnnotationResubmit] == task.Attempt &&
		(task.State == v1alpha1.TaskFailed || IsLost(task))
}

// IsQueued reports whether the resource waits for its turn to buy. An extension
// whose source is not finished is not in the queue: its source may be behind it.
// Neither is a resource whose task is of an unknown API, for which nothing is
// bought, nor one whose refused purchase was called back for, before KIE.AI has said
// whether it was made.
func IsQueued(vg *v1alpha1.VideoGeneration) bool {
	_, calledBack := CalledBackRefused(vg)
	return NeedsPurchase(vg) && !IsSuspended(vg) && !NeedsSource(vg) && !IsOfUnknownAPI(vg.Status.Task) && !calledBack && vg.DeletionTimestamp.IsZero()
}

// NeedsSource reports whether the resource continues a video that is not known yet.
func NeedsSource(vg *v1alpha1.VideoGeneration) bool {
	return vg.Spec.Extend != nil && vg.Status.Source == nil
}

// AtWork reports whether KIE.AI is, or may be, at work for the resource.
func AtWork(vg *v1alpha1.VideoGeneration) bool {
	upgrade := vg.Status.Upgrade
	return InFlight(vg.Status.Task) || (upgrade != nil && upgrade.State == v1alpha1.UpgradeRunning)
}

// IsMade reports whether KIE.AI has nothing more to do for the resource: the
// video and its upgrade are there, or failed for good.
func IsMade(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	return task != nil && !InFlight(task) && !NeedsPurchase(vg) && !RetryPending(vg) && !UpgradePending(vg)
}

// IsFinished reports whether the resource has come to an end that nothing but a
// user changes: it is made, and stored where it is to be stored.
func IsFinished(vg *v1alpha1.VideoGeneration) bool {
	return IsMade(vg) && !StoragePending(vg)
}

// IsSuspended reports whether the user holds the resource back.
func IsSuspended(vg *v1alpha1.VideoGeneration) bool { return ptr.Deref(vg.Spec.Suspend, false) }

// IsAccountSuspended reports whether nothing is to be spent from the account.
func IsAccountSuspended(account *v1alpha1.KieAccount) bool {
	return account != nil && ptr.Deref(account.Spec.Suspend, false)
}

// UpgradeCalledBack reports whether the callback of the current upgrade came in.
func UpgradeCalledBack(vg *v1alpha1.VideoGeneration) bool {
	upgrade, receipt := vg.Status.Upgrade, vg.Status.Callback
	return upgrade != nil && receipt != nil && receipt.Attempt == upgrade.Attempt
}

// CalledBack reports whether the callback of the current attempt came in, for
// the current task if its id is known.
func CalledBack(vg *v1alpha1.VideoGeneration) bool {
	task, receipt := vg.Status.Task, vg.Status.Callback
	return task != nil && receipt != nil && receipt.Attempt == task.Attempt &&
		(task.ID == "" || task.ID == receipt.TaskID)
}

// defaultTimeout is the default of spec.timeout, for resources that were stored without it.
const defaultTimeout = 30 * time.Minute

// Deadline is when a task that is not finished is given up.
func Deadline(vg *v1alpha1.VideoGeneration) time.Time {
	return vg.Status.Task.SubmittedAt.Add(TimeoutOf(vg))
}

// TimeoutOf is how long a task has to be finished.
func TimeoutOf(vg *v1alpha1.VideoGeneration) time.Duration {
	if vg.Spec.Timeout != nil {
		return vg.Spec.Timeout.Duration
	}
	return defaultTimeout
}

// CalledBackRefused returns the index in status.refusedAttempts of the first whose
// callback has come.
func CalledBackRefused(vg *v1alpha1.VideoGeneration) (index int, found bool) {
	receipt := vg.Status.Callback
	index = slices.IndexFunc(vg.Status.RefusedAttempts, func(a v1alpha1.RefusedAttempt) bool {
		return a.TaskID != "" || (receipt != nil && a.Attempt == receipt.Attempt)
	})
	return max(index, 0), index >= 0
}

// NoteRefusedCallback keeps the last callback, if it is that of a refused attempt,
// with the attempt: the next callback takes its place in status.callback.
func NoteRefusedCallback(vg *v1alpha1.VideoGeneration) {
	receipt := vg.Status.Callback
	if receipt == nil {
		return
	}
	for i := range vg.Status.RefusedAttempts {
		if a := &vg.Status.RefusedAttempts[i]; a.Attempt == receipt.Attempt && a.TaskID == "" {
			a.TaskID, a.CalledBackAt = receipt.TaskID, &receipt.ReceivedAt
		}
	}
}

// OperationOf is what a purchase of the resource is for.
func OperationOf(vg *v1alpha1.VideoGeneration) v1alpha1.Operation {
	if vg.Spec.Extend != nil {
		return v1alpha1.OperationExtend
	}
	return v1alpha1.OperationGenerate
}

// IsOfUnknownAPI reports whether the task belongs to an API of KIE.AI that this
// operator does not use.
func IsOfUnknownAPI(task *v1alpha1.Task) bool { return task != nil && !task.IsVeo() }

// UnknownAPI is what a resource waits for if its task belongs to an API that this
// operator does not use.
func UnknownAPI(task *v1alpha1.Task) Wait {
	return Wait{Kind: Retrying, Reason: v1alpha1.ReasonAPIUnknown, Message: fmt.Sprintf(
		"the task belongs to API %q of KIE.AI, which this version of the operator does not use: run a version that does; until then nothing is asked about the task and nothing is bought", task.API)}
}
