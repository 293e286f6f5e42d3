// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// Summarize derives Ready, Reconciling, Stalled and DiffersFromSpec from the facts
// in the status of a VideoGeneration and from what it waits for. Nothing else sets
// them, and only the reconciler of purchases calls it. It leaves Stored and
// TaskIDNotMirrored as they are.
//
// Ready is always there; Reconciling and Stalled only while they are true, as
// tools that follow kstatus expect.
func Summarize(vg *v1alpha1.VideoGeneration, w Wait, now time.Time) {
	ready, kind := readiness(vg, w)
	ready.Type = v1alpha1.ConditionReady
	wanted := []metav1.Condition{ready}
	switch {
	case ready.Status == metav1.ConditionTrue, kind == Held:
	case kind == Stalled:
		wanted = append(wanted, metav1.Condition{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message})
	case kind == Retrying:
		wanted = append(wanted, metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressingWithRetry, Message: ready.Message})
	default:
		wanted = append(wanted, metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressing, Message: ready.Message})
	}
	if reason, message := mismatch(vg); reason != "" {
		wanted = append(wanted, metav1.Condition{Type: v1alpha1.ConditionDiffersFromSpec, Status: metav1.ConditionTrue, Reason: reason, Message: message})
	}
	if unmirrored := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored); unmirrored != nil && !IsMirrored(vg) {
		wanted = append(wanted, *unmirrored) // the step that mirrors has set it; it ends when the annotations are right
	}
	if stored := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionStored); stored != nil {
		wanted = append(wanted, *stored)
	}
	SetConditions(&vg.Status.Conditions, wanted, vg.Generation, now)
	vg.Status.ObservedGeneration = vg.Generation
}

// SetConditions makes the list hold the wanted conditions and no others. The
// time of a transition stays where the status of the condition stays.
func SetConditions(conditions *[]metav1.Condition, wanted []metav1.Condition, generation int64, now time.Time) {
	*conditions = slices.DeleteFunc(*conditions, func(have metav1.Condition) bool {
		return !slices.ContainsFunc(wanted, func(want metav1.Condition) bool { return want.Type == have.Type })
	})
	for _, want := range wanted {
		want.ObservedGeneration = generation
		want.LastTransitionTime = metav1.NewTime(now).Rfc3339Copy()
		if have := meta.FindStatusCondition(*conditions, want.Type); have != nil && have.LastTransitionTime.Unix() <= 0 {
			have.LastTransitionTime = want.LastTransitionTime // it is the default of the CRD, which has no real time
		}
		meta.SetStatusCondition(conditions, want)
	}
}

// readiness is the Ready condition, without its type, and who can end the wait.
func readiness(vg *v1alpha1.VideoGeneration, w Wait) (metav1.Condition, WaitKind) {
	task := vg.Status.Task
	// Trouble on the way says nothing about a task that has ended: an end stays an end.
	ended := IsFinished(vg)
	if w.Reason != "" && (!ended || w.Kind == Stalled) {
		status := metav1.ConditionUnknown
		if w.Kind == Stalled {
			status = metav1.ConditionFalse
		}
		return metav1.Condition{Status: status, Reason: w.Reason, Message: w.Message}, w.Kind
	}
	switch {
	case task == nil:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonQueued, Message: "the video is not bought yet"}, Progressing
	case task.State == v1alpha1.TaskSucceeded && UpgradePending(vg):
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonUpgrading,
			Message: fmt.Sprintf("KIE.AI is making the %s version; the 720p video is in status.videos", vg.Spec.Resolution)}, Progressing
	case task.State == v1alpha1.TaskSucceeded && StorageUnfinished(vg):
		return storageReadiness(vg)
	case task.State == v1alpha1.TaskSucceeded && vg.Status.Upgrade != nil && vg.Status.Upgrade.State == v1alpha1.UpgradeFailed:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUpgradeFailed, Message: upgradeFailure(vg.Status.Upgrade)}, Stalled
	case task.State == v1alpha1.TaskSucceeded:
		return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, Message: succeeded(vg)}, Progressing
	case RetryPending(vg):
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonWaitingToRetry, Message: retryMessage(vg)}, Retrying
	case task.State == v1alpha1.TaskFailed && task.Failure == nil:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonGenerationFailed, Message: "the task has failed; its cause is not known"}, Stalled
	case task.State == v1alpha1.TaskFailed:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: task.Failure.Reason, Message: task.Failure.Message}, Stalled
	case task.State == v1alpha1.TaskSubmitting:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonSubmitting, Message: "buying the video from KIE.AI"}, Progressing
	default:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonGenerating, Message: fmt.Sprintf("KIE.AI is making the video (task %s)", task.ID)}, Progressing
	}
}

// upgradeFailure says why there is no larger version, what there is, and the way out.
func upgradeFailure(up *v1alpha1.Upgrade) string {
	cause := "KIE.AI cannot make it"
	if up.Failure != nil && up.Failure.Message != "" {
		cause = up.Failure.Message
	}
	return fmt.Sprintf("there is no %s version, and the 720p video is in status.videos; annotation %s: %q asks for it again. %s",
		up.Resolution, v1alpha1.AnnotationResubmit, up.Attempt, cause)
}

// storageReadiness is what Ready and Stored say while the videos are not stored, or
// if they never will be.
func storageReadiness(vg *v1alpha1.VideoGeneration) (metav1.Condition, WaitKind) {
	progress := vg.Status.Storage
	switch {
	case progress == nil || (progress.State != v1alpha1.StorageFailed && progress.Failure == nil):
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStoring,
			Message: "the video is finished and is being stored; status.videos has its links at KIE.AI"}, Progressing
	case progress.State != v1alpha1.StorageFailed:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStorageFailed, Message: BoundedMessage(
			"the video is finished and could not be stored, which is tried again: " + progress.Failure.Message)}, Retrying
	default:
		cause := "its cause is not known"
		if progress.Failure != nil && progress.Failure.Message != "" {
			cause = progress.Failure.Message
		}
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonStorageFailed, Message: BoundedMessage(
			"the video was not stored as long as KIE.AI kept it: " + cause)}, Stalled
	}
}

// succeeded says where the finished video is.
func succeeded(vg *v1alpha1.VideoGeneration) string {
	if progress := vg.Status.Storage; progress != nil {
		return "the video is finished and stored; status.videos says where it is"
	}
	return "the video is finished; status.videos says where it is"
}
