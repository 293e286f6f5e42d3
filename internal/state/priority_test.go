// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func small(vg *v1alpha1.VideoGeneration) {
	vg.Status.Videos = []v1alpha1.Video{{Resolution: "720p"}}
}

func TestPriorityOf(t *testing.T) {
	for name, tt := range map[string]struct {
		vg   *v1alpha1.VideoGeneration
		want int
	}{
		"to be bought":       {fixture.Video("a"), state.OtherPriority},
		"lost":               {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, ""))), state.PaidPriority},
		"running":            {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))), state.PaidPriority},
		"succeeded":          {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID))), state.OtherPriority},
		"to be bought again": {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, "")), fixture.Resubmit), state.OtherPriority},
		"to be enlarged":     {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)), fixture.In(v1alpha1.Resolution4K), small), state.PaidPriority},
	} {
		if got := state.PriorityOf(tt.vg); got != tt.want {
			t.Errorf("%s: the priority is %d, want %d", name, got, tt.want)
		}
	}
}
