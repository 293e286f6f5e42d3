// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// reasonOf returns the Ready condition of a resource; Unknown while there is none.
func reasonOf(vg *v1alpha1.VideoGeneration) (metav1.ConditionStatus, string) {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return metav1.ConditionUnknown, ""
	}
	return ready.Status, ready.Reason
}

// hasEnded reports whether the resource is at rest.
func hasEnded(vg *v1alpha1.VideoGeneration) bool {
	status, _ := reasonOf(vg)
	return status != metav1.ConditionUnknown
}

// isFinal reports whether the resource must never leave its state. One that was given
// up may come back with a late callback, and so may an extension of it.
func isFinal(vg *v1alpha1.VideoGeneration) bool {
	switch status, reason := reasonOf(vg); status {
	case metav1.ConditionTrue:
		return true
	case metav1.ConditionFalse:
		return reason != v1alpha1.ReasonSourceFailed && (vg.Status.Task.Settled() || vg.Status.Task == nil)
	default:
		return false
	}
}

// askedAgain reports whether somebody has asked to buy again the attempt that the
// resource had before, which is the only way out of a failure.
func askedAgain(was, is *v1alpha1.VideoGeneration) bool {
	return was.Status.Task != nil && is.Annotations[v1alpha1.AnnotationResubmit] == was.Status.Task.Attempt
}

func hasSucceeded(vg *v1alpha1.VideoGeneration) bool {
	status, _ := reasonOf(vg)
	return status == metav1.ConditionTrue
}
