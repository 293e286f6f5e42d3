// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestSourceOf(t *testing.T) {
	succeeded := func(vg *v1alpha1.VideoGeneration) {
		vg.Status.Task = fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)
		vg.Status.Account = fixture.Identity("films", "default")
		vg.Status.Videos = []v1alpha1.Video{{URL: "https://example.com/v.mp4", Resolution: "720p"}}
	}
	long := func(n int) (chain []*v1alpha1.VideoGeneration) {
		for i := range n - 1 {
			chain = append(chain, fixture.Extension(fmt.Sprintf("part-%d", n-i), fmt.Sprintf("part-%d", n-i-1), succeeded))
		}
		return append(chain, fixture.Video("part-1", succeeded))
	}
	me := fixture.Extension("me", "source")
	for _, tt := range []struct {
		reason string
		chain  []*v1alpha1.VideoGeneration
		found  bool
		why    string
		kind   state.WaitKind
		says   string
	}{
		{"it does not exist yet", nil, false, v1alpha1.ReasonWaitingForSource, state.Progressing, "does not exist yet"},
		{"it is not bought yet", []*v1alpha1.VideoGeneration{fixture.Video("source")}, false, v1alpha1.ReasonWaitingForSource, state.Progressing, "not finished yet"},
		{"it is being made", []*v1alpha1.VideoGeneration{fixture.Video("source", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)))}, false, v1alpha1.ReasonWaitingForSource, state.Progressing, "not finished yet"},
		{"it is finished", []*v1alpha1.VideoGeneration{fixture.Video("source", succeeded)}, true, "", state.Progressing, ""},
		{"it has failed", []*v1alpha1.VideoGeneration{fixture.Video("source", fixture.With(fixture.Failed(v1alpha1.ReasonContentRejected, fixture.TaskID)))}, false, v1alpha1.ReasonSourceFailed, state.Stalled, "has failed"},
		{"it is tried again", []*v1alpha1.VideoGeneration{fixture.Video("source", fixture.With(fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)), func(vg *v1alpha1.VideoGeneration) {
			vg.Spec.Retry.MaxAttempts, vg.Status.Task.Failure.Code = 2, ptr.To[int32](501)
		})},
			false, v1alpha1.ReasonWaitingForSource, state.Progressing, "not finished yet"},
		{"it cannot come further", []*v1alpha1.VideoGeneration{fixture.Video("source", func(vg *v1alpha1.VideoGeneration) {
			vg.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue}}
		})}, false, v1alpha1.ReasonSourceFailed, state.Stalled, "has failed"},
		{"it asks for more than 720p", []*v1alpha1.VideoGeneration{fixture.Video("source", fixture.In(v1alpha1.Resolution4K))}, false, v1alpha1.ReasonSourceFailed, state.Stalled, "give the resolution to the last part only"},
		{"it was made in more than 720p", []*v1alpha1.VideoGeneration{fixture.Video("source", succeeded, func(vg *v1alpha1.VideoGeneration) { vg.Status.Videos[0].Resolution = "1080p" })},
			false, v1alpha1.ReasonSourceFailed, state.Stalled, "made source in 1080p"},
		{"it was made by another API", []*v1alpha1.VideoGeneration{fixture.Video("source", succeeded, fixture.OfMarket)}, false, v1alpha1.ReasonSourceFailed, state.Stalled, "does not continue"},
		{"a circle of two", []*v1alpha1.VideoGeneration{fixture.Extension("source", "me"), me}, false, v1alpha1.ReasonInvalidSource, state.Stalled, "circle"},
		{"a circle further down", []*v1alpha1.VideoGeneration{fixture.Extension("source", "b"), fixture.Extension("b", "source"), fixture.Extension("source", "b")}, false, v1alpha1.ReasonInvalidSource, state.Stalled, "circle"},
		{"the twentieth extension", long(20), true, "", state.Progressing, ""},
		{"the one after that", long(21), false, v1alpha1.ReasonInvalidSource, state.Stalled, "20 times at most"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			source, w := state.SourceOf(me, tt.chain)
			if (source != nil) != tt.found || w.Reason != tt.why || w.Kind != tt.kind || !strings.Contains(w.Message, tt.says) {
				t.Errorf("the source is %+v, the wait %+v; want found %v, reason %q, kind %d, a message with %q", source, w, tt.found, tt.why, tt.kind, tt.says)
			}
			if source != nil && (source.TaskID != fixture.TaskID || source.Account != fixture.Identity("films", "default") || source.Name != "source") {
				t.Errorf("the source is %+v", source)
			}
		})
	}
}
