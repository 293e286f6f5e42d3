// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestStoredCondition(t *testing.T) {
	finished := fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)
	copied := &v1alpha1.Artifact{URI: "s3://films/720p.mp4"}
	base, larger := v1alpha1.Video{URL: "https://kie/720p", Artifact: copied}, v1alpha1.Video{URL: "https://kie/4k"}
	cropped := v1alpha1.Video{URL: "https://kie/cropped", OriginURL: "https://kie/origin", Artifact: copied}
	storing, stored, gone := v1alpha1.StorageStoring, v1alpha1.StorageStored, v1alpha1.StorageFailed
	noBucket := &v1alpha1.StorageFailure{Reason: "BucketNotFound", Message: "create it"}
	const none = metav1.ConditionStatus("")
	for _, tt := range []struct {
		reason  string
		task    *v1alpha1.Task
		videos  []v1alpha1.Video
		state   v1alpha1.StorageState
		failure *v1alpha1.StorageFailure
		awaited bool
		status  metav1.ConditionStatus
		says    string
		message string
	}{
		{reason: "nothing is to be stored", task: finished, videos: []v1alpha1.Video{larger}, status: none},
		{reason: "nothing is to be stored of a failure", task: fixture.Failed(v1alpha1.ReasonContentRejected, fixture.TaskID), status: none},
		{reason: "nobody wants it stored any more", task: finished, videos: []v1alpha1.Video{base}, status: none},
		{reason: "it is in the queue", awaited: true, status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is to be stored"},
		{reason: "KIE.AI is making it", task: fixture.Task(v1alpha1.TaskRunning, fixture.TaskID), awaited: true, status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is to be stored"},
		{reason: "another task has taken the place of one that was stored", task: fixture.Task(v1alpha1.TaskRunning, fixture.TaskID), state: stored, awaited: true,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is to be stored"},
		{reason: "it is being stored", task: finished, videos: []v1alpha1.Video{larger}, state: storing,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is being stored"},
		{reason: "it is stored", task: finished, videos: []v1alpha1.Video{base}, state: stored, status: metav1.ConditionTrue, says: v1alpha1.ReasonStored, message: "are stored"},
		{reason: "one of two is stored", task: finished, videos: []v1alpha1.Video{larger, base}, state: storing,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is being stored"},
		{reason: "a larger version has come beside what is stored", task: finished, videos: []v1alpha1.Video{larger, base}, state: stored,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is being stored"},
		{reason: "what it was cropped from is not stored", task: finished, videos: []v1alpha1.Video{cropped}, state: stored,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStoring, message: "is being stored"},
		{reason: "it is tried again", task: finished, videos: []v1alpha1.Video{larger}, state: storing, failure: noBucket,
			status: metav1.ConditionUnknown, says: v1alpha1.ReasonStorageFailed, message: "tried again: create it"},
		{reason: "KIE.AI has deleted it first", task: finished, videos: []v1alpha1.Video{larger}, state: gone, failure: noBucket,
			status: metav1.ConditionFalse, says: v1alpha1.ReasonStorageFailed, message: "as long as KIE.AI kept it: create it"},
		{reason: "one of two was deleted first", task: finished, videos: []v1alpha1.Video{larger, base}, state: gone,
			status: metav1.ConditionFalse, says: v1alpha1.ReasonStorageFailed, message: "its cause is not known"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			vg := fixture.Video("lighthouse")
			vg.Status.Task, vg.Status.Videos = tt.task, tt.videos
			if tt.state != "" {
				vg.Status.Storage = &v1alpha1.StorageProgress{State: tt.state, Failure: tt.failure}
			}
			got, ok := state.StoredCondition(vg, tt.awaited)
			if ok != (tt.status != none) {
				t.Fatalf("there is a condition: %t, %+v", ok, got)
			}
			if ok && (got.Status != tt.status || got.Reason != tt.says || !strings.Contains(got.Message, tt.message)) {
				t.Errorf("it is %s/%s (%s), want %s/%s with %q", got.Status, got.Reason, got.Message, tt.status, tt.says, tt.message)
			}
		})
	}
}

// summarize leaves to others what is theirs.
func TestSummarizeLeavesTheConditionsOfOthers(t *testing.T) {
	vg := fixture.Video("lighthouse", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)))
	stored := metav1.Condition{Type: v1alpha1.ConditionStored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStoring, Message: "on its way"}
	unmirrored := metav1.Condition{Type: v1alpha1.ConditionTaskIDNotMirrored, Status: metav1.ConditionTrue, Reason: "UpdateRefused", Message: "a policy"}
	vg.Status.Conditions = []metav1.Condition{stored, unmirrored}
	vg.Status.Storage = &v1alpha1.StorageProgress{State: v1alpha1.StorageFailed}
	state.Summarize(vg, state.Wait{}, fixture.Epoch)
	for _, want := range []metav1.Condition{stored, unmirrored} {
		got := meta.FindStatusCondition(vg.Status.Conditions, want.Type)
		if got == nil || got.Status != want.Status || got.Reason != want.Reason || got.Message != want.Message {
			t.Errorf("%s is %+v, want %+v", want.Type, got, want)
		}
	}
}
