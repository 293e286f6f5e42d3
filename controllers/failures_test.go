// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"unicode/utf8"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// The API server takes the longest message that the operator writes, and no
// longer one.
func TestTheAPIServerTakesTheLongestFailureMessage(t *testing.T) {
	w := newWorld(t, worldOptions{})
	vg := w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
	before := vg.DeepCopy()
	vg.Status.Task = fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)
	state.EndTask(vg.Status.Task, v1alpha1.ReasonContentRejected, 400, strings.Repeat("🎬", 5000), fixture.Epoch)
	longest := vg.Status.Task.Failure.Message
	vg.Status.Task.Failure.Message += "x"
	if err := w.live.Status().Patch(t.Context(), vg.DeepCopy(), client.MergeFrom(before)); !apierrors.IsInvalid(err) {
		t.Errorf("a message of one character more: the API server says %v, want that it is invalid", err)
	}
	vg.Status.Task.Failure.Message = longest
	state.Summarize(vg, state.Wait{}, fixture.Epoch)
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	if got := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonContentRejected).Status.Task.Failure.Message; got != longest {
		t.Errorf("the API server stored %d characters of %d", utf8.RuneCountInString(got), utf8.RuneCountInString(longest))
	}
}

// The note of an Event is bounded in bytes: words of many bytes each are cut, and
// the Event is not lost.
func TestAnEventTakesLongWords(t *testing.T) {
	w := newWorld(t, worldOptions{})
	vg := w.create("video")
	note := report.BoundedNote(strings.Repeat("灯塔", 600))
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "video-"}, EventTime: metav1.NowMicro(), Note: note,
		Reason: v1alpha1.ReasonContentRejected, Action: report.ActionReconcile, Type: "Warning", ReportingController: "kie-operator", ReportingInstance: "test",
	}
	event.Regarding.Namespace, event.Regarding.Kind, event.Regarding.Name = w.namespace, "VideoGeneration", vg.Name
	if err := w.live.Create(t.Context(), event); err != nil || !utf8.ValidString(note) || len(note) < 1000 {
		t.Errorf("a note of %d bytes: %v", len(note), err)
	}
}
