// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// announceDeletion says what becomes of a resource that is deleted before its end. KIE.AI
// cannot cancel a task: what was paid for is gone, unless somebody takes it over.
func (r *Reconciler) announceDeletion(vg *v1alpha1.VideoGeneration) {
	task := vg.Status.Task
	if index, found := state.CalledBackRefused(vg); found {
		id := vg.Status.RefusedAttempts[index].TaskID
		if id == "" {
			id = vg.Status.Callback.TaskID
		}
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, report.ReasonDeletedInFlight, report.ActionReconcile,
			"deleted while KIE.AI was asked whether it has made a purchase that it had refused: if it has, task %s is paid for", id)
	}
	switch {
	case !state.AtWork(vg):
	case task.ID == "":
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, report.ReasonDeletedInFlight, report.ActionReconcile,
			"deleted while it was being bought: if the purchase was made, its credits are spent; kie.ai/logs shows it")
	default:
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, report.ReasonDeletedInFlight, report.ActionReconcile,
			"deleted while KIE.AI was making it: task %s cannot be cancelled and its credits are spent; a new VideoGeneration with annotation %s: %s takes it over",
			task.ID, v1alpha1.AnnotationAdoptTaskID, task.ID)
		log.Log.Info("A VideoGeneration was deleted while its task was at work", "videoGeneration", client.ObjectKeyFromObject(vg), "taskID", task.ID)
	}
}
