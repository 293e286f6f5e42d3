// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strconv"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// ActionReconcile is the action of the operator's Events.
const ActionReconcile = "Reconcile"

// Announce reports what a write has changed: with one Event for each new reason of
// Ready, and one count for each end.
func Announce(recorder events.EventRecorder, metrics *Metrics, before, after *v1alpha1.VideoGeneration) {
	announceResult(recorder, metrics, before, after)
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if is == nil || (was != nil && was.Reason == is.Reason && was.Status == is.Status) {
		return
	}
	severity := corev1.EventTypeNormal
	reconciling := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReconciling)
	if is.Status == metav1.ConditionFalse || (reconciling != nil && reconciling.Reason == v1alpha1.ReasonProgressingWithRetry) {
		severity = corev1.EventTypeWarning
	}
	recorder.Eventf(after, nil, severity, is.Reason, ActionReconcile, "%s", BoundedNote(WithoutAttempts(is.Message, after)))
	if task := after.Status.Task; task != nil && is.Status != metav1.ConditionUnknown {
		metrics.Ended(is.Reason)
	}
}

// AnnounceStoring sends an Event about a new reason for which a video is not stored,
// if Announce sends none: because Ready is about something else, or had the reason
// StorageFailed before.
func AnnounceStoring(recorder events.EventRecorder, before, after *v1alpha1.VideoGeneration) {
	was, is := before.Status.Storage, after.Status.Storage
	if was == nil || is == nil || is.Failure == nil || (was.Failure != nil && was.Failure.Reason == is.Failure.Reason) {
		return
	}
	ready := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if is.State != v1alpha1.StorageStoring || (ready != nil && ready.Reason == v1alpha1.ReasonStoring) {
		return // Ready changes by it
	}
	if stored := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionStored); stored != nil {
		recorder.Eventf(after, nil, corev1.EventTypeWarning, stored.Reason, ActionReconcile, "%s", BoundedNote(stored.Message))
	}
}

// WithoutAttempts is a message without the attempts of a resource, for readers who may
// not see its status: an attempt is the secret part of a callback URL.
func WithoutAttempts(message string, vg *v1alpha1.VideoGeneration) string {
	if task := vg.Status.Task; task != nil && task.Attempt != "" {
		message = strings.ReplaceAll(message, strconv.Quote(task.Attempt), "the value of status.task.attempt")
	}
	if upgrade := vg.Status.Upgrade; upgrade != nil && upgrade.Attempt != "" {
		message = strings.ReplaceAll(message, strconv.Quote(upgrade.Attempt), "the value of status.upgrade.attempt")
	}
	return message
}

// announceResult sends Events about a result that people have to know beside its end.
func announceResult(recorder events.EventRecorder, metrics *Metrics, before, after *v1alpha1.VideoGeneration) {
	if ptr.Deref(after.Status.FallbackUsed, false) && !ptr.Deref(before.Status.FallbackUsed, false) {
		recorder.Eventf(after, nil, corev1.EventTypeWarning, ReasonFallbackUsed, ActionReconcile, "KIE.AI made the video with its fallback model")
	}
	differed := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionDiffersFromSpec)
	if c := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionDiffersFromSpec); c != nil && differed == nil {
		recorder.Eventf(after, nil, corev1.EventTypeWarning, c.Reason, ActionReconcile, "%s", c.Message)
	}
	if c := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored); c != nil && !meta.IsStatusConditionTrue(before.Status.Conditions, c.Type) {
		recorder.Eventf(after, nil, corev1.EventTypeWarning, v1alpha1.ConditionTaskIDNotMirrored, ActionReconcile, "%s", BoundedNote(WithoutAttempts(c.Message, after)))
	}
	began := after.Status.Task != nil && before.Status.Task == nil
	if owner := state.GitOpsOwner(after); began && owner != "" && after.Spec.TTLSecondsAfterFinished != nil {
		recorder.Eventf(after, nil, corev1.EventTypeWarning, ReasonBoughtAgain, ActionReconcile,
			"%s applies this resource: when ttlSecondsAfterFinished deletes it, it is created and bought again; remove ttlSecondsAfterFinished", owner)
	}
	if up := after.Status.Upgrade; up != nil && up.State != v1alpha1.UpgradeRunning && (before.Status.Upgrade == nil || before.Status.Upgrade.State == v1alpha1.UpgradeRunning) {
		metrics.upgraded(up)
	}
}

// maxNote is the limit of the API on the note of an Event, in bytes.
const maxNote = 1024

// BoundedNote cuts a text to what the note of an Event holds, between two characters.
func BoundedNote(note string) string {
	note = strings.ToValidUTF8(note, "\uFFFD")
	end := min(len(note), maxNote)
	for end < len(note) && !utf8.RuneStart(note[end]) {
		end--
	}
	return note[:end]
}
