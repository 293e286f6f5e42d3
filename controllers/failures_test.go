// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// endedAs is the test task after it has ended.
func endedAs(reason string, code *int32, message string) *v1alpha1.Task {
	t := task(v1alpha1.TaskFailed, testTaskID)
	t.Failure = &v1alpha1.TaskFailure{Reason: reason, Code: code, Message: message}
	t.CompletedAt = ptr.To(metav1.NewTime(epoch.Add(time.Minute)))
	return t
}

func TestFailRecord(t *testing.T) {
	const change = "KIE.AI refused the prompt or an image: change it in a new VideoGeneration"
	for _, tt := range []struct {
		reason   string
		record   kie.Record
		fallback bool
		want     *v1alpha1.Task
	}{
		{"policy", kie.Record{ErrorCode: 400}, false, endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](400), change)},
		{"policy, in KIE.AI's words", kie.Record{ErrorCode: 400, ErrorMessage: "No."}, false,
			endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](400), change+". KIE.AI says: No.")},
		{"policy, where the fallback model is of no use", kie.Record{ErrorCode: 400}, true, endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](400), change)},
		{"policy, where the fallback model could have made it", kie.Record{ErrorCode: 422}, false,
			endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](422), change+", or set enableFallback there")},
		{"policy, and the fallback model refused too", kie.Record{ErrorCode: 422}, true,
			endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](422), "KIE.AI refused the prompt or an image, and its fallback model too: change it in a new VideoGeneration")},
		{"internal error", kie.Record{ErrorCode: 500, ErrorMessage: "Internal"}, false,
			endedAs(v1alpha1.ReasonGenerationFailed, ptr.To[int32](500), "KIE.AI could not make the video. KIE.AI says: Internal")},
		{"failed", kie.Record{ErrorCode: 501}, false, endedAs(v1alpha1.ReasonGenerationFailed, ptr.To[int32](501), "KIE.AI could not make the video")},
		{"no code", kie.Record{}, false, endedAs(v1alpha1.ReasonGenerationFailed, nil, "KIE.AI could not make the video")},
		{"a code that nobody has heard of", kie.Record{ErrorCode: 777}, true, endedAs(v1alpha1.ReasonGenerationFailed, ptr.To[int32](777), "KIE.AI could not make the video")},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got := task(v1alpha1.TaskRunning, testTaskID)
			failRecord(got, tt.record, tt.fallback, epoch.Add(time.Minute+300*time.Millisecond))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the task (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailRefused(t *testing.T) {
	const ours = "KIE.AI refused the request; nothing was bought"
	for _, tt := range []struct {
		reason  string
		refusal kie.Error
		want    *v1alpha1.Task
	}{
		{"invalid", kie.Error{Class: kie.Invalid, Code: 422, Message: "Invalid seed."}, endedAs(v1alpha1.ReasonInvalidRequest, ptr.To[int32](422), ours+". KIE.AI says: Invalid seed.")},
		{"policy", kie.Error{Class: kie.ContentRejected, Code: 400}, endedAs(v1alpha1.ReasonContentRejected, ptr.To[int32](400), ours)},
		{"failed", kie.Error{Class: kie.GenerationFailed, Code: 501}, endedAs(v1alpha1.ReasonGenerationFailed, ptr.To[int32](501), ours)},
		{"disabled", kie.Error{Class: kie.FeatureDisabled, Code: 505}, endedAs(v1alpha1.ReasonFeatureDisabled, ptr.To[int32](505), ours)},
		{"no class of the request", kie.Error{Class: kie.Maintenance, Code: 455}, endedAs(v1alpha1.ReasonGenerationFailed, ptr.To[int32](455), ours)},
		{"no code", kie.Error{Class: kie.Invalid}, endedAs(v1alpha1.ReasonInvalidRequest, nil, ours)},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got := task(v1alpha1.TaskSubmitting, testTaskID)
			failRefused(got, &tt.refusal, epoch.Add(time.Minute))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the task (-want +got):\n%s", diff)
			}
		})
	}
}

// A class ends a task, or is a refusal of the account that passes, or trouble
// on the way: never two of these.
func TestEachClassMeansOneThing(t *testing.T) {
	for _, class := range []kie.Class{
		kie.RateLimited, kie.InsufficientCredits, kie.Unauthorized, kie.KeyLimitReached, kie.Forbidden, kie.Maintenance,
		kie.NotFound, kie.Invalid, kie.ContentRejected, kie.GenerationFailed, kie.FeatureDisabled, kie.Unavailable,
	} {
		_, ends := failureReasons[class]
		_, advised := refusalAdvice[class]
		if ends == advised {
			t.Errorf("%s: ends a task: %t, has advice for a wait: %t; want one of them", class, ends, advised)
		}
		if lasting(class) && !advised {
			t.Errorf("%s lasts and there is no advice on it", class)
		}
	}
}

// The limit of the API is on characters, and no character is cut in two.
func TestAFailureMessageFitsTheAPI(t *testing.T) {
	for _, tt := range []struct {
		reason, message, want string
	}{
		{"short", "no", "no"},
		{"just fits", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"one too many", strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{"two bytes each, just fits", strings.Repeat("é", 1024), strings.Repeat("é", 1024)},
		{"four bytes each, one too many", strings.Repeat("🎬", 1025), strings.Repeat("🎬", 1024)},
		{"the last one is wide", strings.Repeat("x", 1023) + "🎬🎬", strings.Repeat("x", 1023) + "🎬"},
		{"no text at all", strings.Repeat("\xff", 2000), strings.Repeat("\uFFFD", 1024)},
	} {
		got := task(v1alpha1.TaskRunning, testTaskID)
		endTask(got, v1alpha1.ReasonGenerationFailed, 0, tt.message, epoch)
		if got.Failure.Message != tt.want {
			t.Errorf("%s: the message has %d characters in %d bytes, want %d in %d", tt.reason,
				utf8.RuneCountInString(got.Failure.Message), len(got.Failure.Message), utf8.RuneCountInString(tt.want), len(tt.want))
		}
	}
}

// The API server takes the longest message that the operator writes, and no
// longer one.
func TestTheAPIServerTakesTheLongestFailureMessage(t *testing.T) {
	w := newWorld(t, worldOptions{})
	vg := w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
	before := vg.DeepCopy()
	vg.Status.Task = task(v1alpha1.TaskRunning, testTaskID)
	endTask(vg.Status.Task, v1alpha1.ReasonContentRejected, 400, strings.Repeat("🎬", 5000), epoch)
	longest := vg.Status.Task.Failure.Message
	vg.Status.Task.Failure.Message += "x"
	if err := w.live.Status().Patch(t.Context(), vg.DeepCopy(), client.MergeFrom(before)); !apierrors.IsInvalid(err) {
		t.Errorf("a message of one character more: the API server says %v, want that it is invalid", err)
	}
	vg.Status.Task.Failure.Message = longest
	summarize(vg, waiting{}, epoch)
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
	note := boundedNote(strings.Repeat("灯塔", 600))
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "video-"}, EventTime: metav1.NowMicro(), Note: note,
		Reason: v1alpha1.ReasonContentRejected, Action: actionReconcile, Type: "Warning", ReportingController: "kie-operator", ReportingInstance: "test",
	}
	event.Regarding.Namespace, event.Regarding.Kind, event.Regarding.Name = w.namespace, "VideoGeneration", vg.Name
	if err := w.live.Create(t.Context(), event); err != nil || !utf8.ValidString(note) || len(note) < 1000 {
		t.Errorf("a note of %d bytes: %v", len(note), err)
	}
}
