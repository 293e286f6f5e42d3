// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// StoredCondition is the Stored condition, without its type; ok is false where
// nothing is to be stored. awaited says that a video which is on its way is to be
// stored.
func StoredCondition(vg *v1alpha1.VideoGeneration, awaited bool) (condition metav1.Condition, ok bool) {
	progress := vg.Status.Storage
	switch {
	case progress == nil || !HasVideos(vg):
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStoring,
			Message: "the video is to be stored when it is finished"}, awaited
	case progress.State == v1alpha1.StorageStored && len(Unstored(vg)) == 0:
		return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStored,
			Message: "all videos that are finished are stored; status.videos says where they are"}, true
	default:
		condition, _ = storageReadiness(vg)
		return condition, true
	}
}

// SayStored makes the Stored condition say what the rest of the status says, as of
// a generation of the spec. Each write of status.storage or of the videos includes
// it, so that Stored is never True in a version of the resource with a video that is
// not stored.
func SayStored(vg *v1alpha1.VideoGeneration, awaited bool, generation int64, now time.Time) {
	stored, ok := StoredCondition(vg, awaited)
	if !ok {
		meta.RemoveStatusCondition(&vg.Status.Conditions, v1alpha1.ConditionStored)
		return
	}
	stored.Type, stored.ObservedGeneration = v1alpha1.ConditionStored, generation
	stored.LastTransitionTime = metav1.NewTime(now).Rfc3339Copy()
	meta.SetStatusCondition(&vg.Status.Conditions, stored)
}

// SaysStored reports whether there is a Stored condition.
func SaysStored(vg *v1alpha1.VideoGeneration) bool {
	return meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionStored) != nil
}
