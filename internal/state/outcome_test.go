// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// endedAs is the test task after it has ended.
func endedAs(reason string, code *int32, message string) *v1alpha1.Task {
	t := fixture.Task(v1alpha1.TaskFailed, fixture.TaskID)
	t.Failure = &v1alpha1.TaskFailure{Reason: reason, Code: code, Message: message}
	t.CompletedAt = ptr.To(metav1.NewTime(fixture.Epoch.Add(time.Minute)))
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
			got := fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)
			state.FailRecord(got, tt.record, tt.fallback, fixture.Epoch.Add(time.Minute+300*time.Millisecond))
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
			got := fixture.Task(v1alpha1.TaskSubmitting, fixture.TaskID)
			state.FailRefused(got, &tt.refusal, fixture.Epoch.Add(time.Minute))
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
		_, ends := state.FailureReasons[class]
		_, advised := admission.RefusalAdvice[class]
		if ends == advised {
			t.Errorf("%s: ends a task: %t, has advice for a wait: %t; want one of them", class, ends, advised)
		}
		if admission.Lasting(class) && !advised {
			t.Errorf("%s lasts and there is no advice on it", class)
		}
	}
}
