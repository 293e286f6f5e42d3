// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// A finished resource is not deleted before it is known what became of a refused
// purchase that KIE.AI has called back for.
func TestWhatIsAskedAboutIsNotDeleted(t *testing.T) {
	vg := fixture.Video("video", fixture.With(fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)))
	vg.Spec.TTLSecondsAfterFinished = ptr.To[int32](60)
	vg.Status.Task.CompletedAt = ptr.To(metav1.NewTime(fixture.Epoch))
	vg.Status.RefusedAttempts = []v1alpha1.RefusedAttempt{{Attempt: "refused"}}
	if _, ok := state.DeleteAt(vg); !ok {
		t.Fatal("a finished resource is never deleted")
	}
	vg.Status.RefusedAttempts[0].TaskID = fixture.OtherTaskID
	if at, ok := state.DeleteAt(vg); ok {
		t.Errorf("it is deleted at %s", at)
	}
}
