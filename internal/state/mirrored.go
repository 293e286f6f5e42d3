// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// Mirrored is what the annotations of a resource have to say of its task, for
// backups that leave the status out: the id of the paid task, or the attempt of
// a purchase whose task is not known yet.
type Mirrored struct{ TaskID, Attempt string }

// Annotated is what the annotations say.
func Annotated(vg *v1alpha1.VideoGeneration) Mirrored {
	return Mirrored{TaskID: vg.Annotations[v1alpha1.AnnotationTaskID], Attempt: vg.Annotations[v1alpha1.AnnotationAttempt]}
}

// MirroredOf is what the annotations have to say.
func MirroredOf(vg *v1alpha1.VideoGeneration) Mirrored {
	task, has := vg.Status.Task, Annotated(vg)
	switch {
	case task == nil:
		return has // the task of the annotation is not known any more: leave it
	case IsLost(task):
		has.Attempt = task.Attempt
	default:
		has.Attempt = ""
	}
	if task.ID != "" {
		has.TaskID = task.ID
	}
	return has
}

// IsMirrored reports whether the annotations say what they have to.
func IsMirrored(vg *v1alpha1.VideoGeneration) bool {
	return MirroredOf(vg) == Annotated(vg)
}
