// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// inFlight reports whether the task is, or may be, at work at KIE.AI.
func inFlight(task *v1alpha1.Task) bool {
	return task != nil && (task.State == v1alpha1.TaskSubmitting || task.State == v1alpha1.TaskRunning)
}

// isAdopted reports whether the task was given to the resource by annotation.
func isAdopted(task *v1alpha1.Task) bool {
	return task != nil && task.Adopted != nil && *task.Adopted
}

// failedFor reports whether the task ended for the reason.
func failedFor(task *v1alpha1.Task, reason string) bool {
	return task != nil && task.State == v1alpha1.TaskFailed && task.Failure != nil && task.Failure.Reason == reason
}

// isLost reports whether the purchase was begun and its answer is not known.
func isLost(task *v1alpha1.Task) bool {
	return task != nil && task.ID == "" &&
		(task.State == v1alpha1.TaskSubmitting || failedFor(task, v1alpha1.ReasonSubmissionUnknown))
}

// needsPurchase reports whether something is to be bought: nothing was so far,
// or the user asks to buy again what has failed or was lost. Asking names the
// attempt, so that one annotation buys once.
func needsPurchase(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	if task == nil {
		return vg.Annotations[v1alpha1.AnnotationTaskID] == "" && vg.Annotations[v1alpha1.AnnotationAdoptTaskID] == "" &&
			vg.Annotations[v1alpha1.AnnotationAttempt] == ""
	}
	return vg.Annotations[v1alpha1.AnnotationResubmit] == task.Attempt &&
		(task.State == v1alpha1.TaskFailed || isLost(task))
}

// isQueued reports whether the resource waits for its turn to buy. Whoever
// waits for the video that it continues does not stand in the way of others,
// which may be that video, and neither does one for which nothing is bought
// because its task is of an unknown API.
func isQueued(vg *v1alpha1.VideoGeneration) bool {
	return needsPurchase(vg) && !isSuspended(vg) && !needsSource(vg) && !isOfUnknownAPI(vg.Status.Task) && vg.DeletionTimestamp.IsZero()
}

// needsSource reports whether the resource continues a video that is not known yet.
func needsSource(vg *v1alpha1.VideoGeneration) bool {
	return vg.Spec.Extend != nil && vg.Status.Source == nil
}

// atWork reports whether KIE.AI is, or may be, at work for the resource.
func atWork(vg *v1alpha1.VideoGeneration) bool {
	upgrade := vg.Status.Upgrade
	return inFlight(vg.Status.Task) || (upgrade != nil && upgrade.State == v1alpha1.UpgradeRunning)
}

// isMade reports whether KIE.AI has nothing more to do for the resource: the
// video and its upgrade are there, or failed for good.
func isMade(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	return task != nil && !inFlight(task) && !needsPurchase(vg) && !retryPending(vg) && !upgradePending(vg)
}

// isFinished reports whether the resource has come to an end that nothing but a
// user changes: it is made, and stored where it is to be stored.
func isFinished(vg *v1alpha1.VideoGeneration) bool {
	return isMade(vg) && !storagePending(vg)
}

func isSuspended(vg *v1alpha1.VideoGeneration) bool { return ptr.Deref(vg.Spec.Suspend, false) }

// isAccountSuspended reports whether nothing is to be spent from the account.
func isAccountSuspended(account *v1alpha1.KieAccount) bool {
	return account != nil && ptr.Deref(account.Spec.Suspend, false)
}

// upgradeCalledBack reports whether the callback of the current upgrade came in.
func upgradeCalledBack(vg *v1alpha1.VideoGeneration) bool {
	upgrade, receipt := vg.Status.Upgrade, vg.Status.Callback
	return upgrade != nil && receipt != nil && receipt.Attempt == upgrade.Attempt
}

// calledBack reports whether the callback of the current attempt came in, for
// the current task if its id is known.
func calledBack(vg *v1alpha1.VideoGeneration) bool {
	task, receipt := vg.Status.Task, vg.Status.Callback
	return task != nil && receipt != nil && receipt.Attempt == task.Attempt &&
		(task.ID == "" || task.ID == receipt.TaskID)
}

// defaultTimeout is the default of spec.timeout, for resources that were stored without it.
const defaultTimeout = 30 * time.Minute

// deadline is when a task that is not finished is given up.
func deadline(vg *v1alpha1.VideoGeneration) time.Time {
	return vg.Status.Task.SubmittedAt.Add(timeoutOf(vg))
}

func timeoutOf(vg *v1alpha1.VideoGeneration) time.Duration {
	if vg.Spec.Timeout != nil {
		return vg.Spec.Timeout.Duration
	}
	return defaultTimeout
}
