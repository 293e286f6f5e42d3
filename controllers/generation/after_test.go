// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"strings"
	"testing"

	"k8s.io/client-go/tools/events"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// Whoever deletes what is being made learns what that means.
func TestDeletedInFlight(t *testing.T) {
	for name, tt := range map[string]struct {
		vg   *v1alpha1.VideoGeneration
		says string
	}{
		"waiting":    {fixture.Video("a"), ""},
		"submitting": {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, ""))), "if the purchase was made, its credits are spent"},
		"running":    {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))), "task " + fixture.TaskID + " cannot be cancelled and its credits are spent"},
		"finished":   {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID))), ""},
		"failed":     {fixture.Video("a", fixture.With(fixture.Failed(v1alpha1.ReasonContentRejected, fixture.TaskID))), ""},
		"upgrading": {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)), func(vg *v1alpha1.VideoGeneration) {
			vg.Status.Upgrade = &v1alpha1.Upgrade{State: v1alpha1.UpgradeRunning}
		}), "cannot be cancelled"},
	} {
		recorder := events.NewFakeRecorder(1)
		(&Reconciler{Recorder: recorder}).announceDeletion(tt.vg)
		said := ""
		select {
		case said = <-recorder.Events:
		default:
		}
		if (said == "") != (tt.says == "") || !strings.Contains(said, tt.says) {
			t.Errorf("%s: the event is %q, want one with %q", name, said, tt.says)
		}
	}
}
