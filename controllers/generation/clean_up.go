// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// sourceResync is how often a resource that is due to be deleted is looked
// at while another one still has to continue its video.
const sourceResync = time.Minute

// cleanUp deletes the finished resource when its time to live is over.
//
// When it lets the next step go on, the resource stays for now. What it deletes
// is the resource as it was read: one that has changed since, or another one of
// the same name, is left alone.
func (r *Reconciler) cleanUp(ctx context.Context, l *scope) (bool, error) {
	at, ok := state.DeleteAt(l.vg)
	if !ok {
		return false, nil
	}
	now := r.Clock.Now()
	l.summarize(now)
	switch {
	case now.Before(at):
		l.requeueBy(at)
		return false, nil
	case !equality.Semantic.DeepEqual(l.stored.Status, l.vg.Status):
		l.requeueBy(now) // the end is stored before it is forgotten
		return false, nil
	}
	waiting, err := r.continuedBy(ctx, l.vg)
	if err != nil {
		return true, err
	}
	for i := range waiting {
		if state.NeedsSource(&waiting[i]) && state.NeedsPurchase(&waiting[i]) {
			l.requeueBy(now.Add(sourceResync))
			return false, nil
		}
	}
	log.FromContext(ctx).Info("The time to live of a finished VideoGeneration is over", "taskID", l.vg.Status.Task.ID)
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeNormal, report.ReasonTimeToLiveOver, report.ActionReconcile,
		"deleting %d seconds after it was finished; its task was %s", *l.vg.Spec.TTLSecondsAfterFinished, l.vg.Status.Task.ID)
	if owner := state.GitOpsOwner(l.vg); owner != "" {
		r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonBoughtAgain, report.ActionReconcile, "deleting after ttlSecondsAfterFinished; %s may create it again, and then it is bought again", owner)
	}
	err = r.Client.Delete(ctx, l.vg, client.Preconditions{UID: ptr.To(l.stored.UID), ResourceVersion: ptr.To(l.stored.ResourceVersion)})
	if err != nil {
		return true, fmt.Errorf("deleting the finished resource: %w", err)
	}
	l.deleted = true
	return true, nil
}
