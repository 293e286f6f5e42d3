// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// What follows from the facts about each task there can be.
func TestFactsOfATask(t *testing.T) {
	for _, tt := range []struct {
		reason   string
		task     *v1alpha1.Task
		inFlight bool
		lost     bool
		// buysAgain says that the right annotation makes the operator buy again.
		buysAgain bool
		// adopts says that the annotation with a task id makes the operator take that task.
		adopts bool
	}{
		{reason: "the purchase is being made, or its answer was lost", task: fixture.Task(v1alpha1.TaskSubmitting, ""), inFlight: true, lost: true, buysAgain: true, adopts: true},
		{reason: "a hand-written status: the id is known, so nothing is lost", task: fixture.Task(v1alpha1.TaskSubmitting, fixture.TaskID), inFlight: true},
		{reason: "it is paid for and at work", task: fixture.Task(v1alpha1.TaskRunning, fixture.TaskID), inFlight: true},
		{reason: "a hand-written status: it says that there is a task", task: fixture.Task(v1alpha1.TaskRunning, ""), inFlight: true},
		{reason: "another resource may have bought it, and it is at work", task: fixture.Adopted(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), inFlight: true},
		{reason: "what is finished is never bought again", task: fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)},
		{reason: "it may have been bought; only the user can know", task: fixture.Failed(v1alpha1.ReasonSubmissionUnknown, ""), lost: true, buysAgain: true, adopts: true},
		{reason: "a hand-written status: it has an id, so it is not lost", task: fixture.Failed(v1alpha1.ReasonSubmissionUnknown, fixture.TaskID), buysAgain: true},
		{reason: "KIE.AI knows of no such task: the id may be wrong", task: fixture.Failed(v1alpha1.ReasonTaskNotFound, fixture.TaskID), buysAgain: true, adopts: true},
		{reason: "the video was refused", task: fixture.Failed(v1alpha1.ReasonContentRejected, fixture.TaskID), buysAgain: true},
		{reason: "the video was refused before there was a task", task: fixture.Failed(v1alpha1.ReasonContentRejected, ""), buysAgain: true},
		{reason: "the video could not be made", task: fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID), buysAgain: true},
		{reason: "it may still be finished, and the user wants another one now", task: fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID), buysAgain: true},
		{reason: "KIE.AI no longer speaks of it", task: fixture.Failed(v1alpha1.ReasonTaskExpired, fixture.TaskID), buysAgain: true},
		{reason: "the request cannot be fulfilled", task: fixture.Failed(v1alpha1.ReasonInvalidRequest, ""), buysAgain: true},
		{reason: "a hand-written status: it failed, nobody knows why", task: fixture.Task(v1alpha1.TaskFailed, ""), buysAgain: true},
		{reason: "an adopted task failed", task: fixture.Adopted(fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)), buysAgain: true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			if got := state.InFlight(tt.task); got != tt.inFlight {
				t.Errorf("inFlight is %t, want %t", got, tt.inFlight)
			}
			if got := state.IsLost(tt.task); got != tt.lost {
				t.Errorf("isLost is %t, want %t", got, tt.lost)
			}
			for _, resubmit := range []string{"", fixture.Attempt, "another-attempt", fixture.TaskID, " " + fixture.Attempt} {
				for _, adopt := range []string{"", fixture.TaskID, fixture.OtherTaskID} {
					for _, mirrored := range []string{"", fixture.TaskID, fixture.OtherTaskID} {
						vg := fixture.Video("lighthouse", fixture.With(tt.task), fixture.Annotated(v1alpha1.AnnotationResubmit, resubmit),
							fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, adopt), fixture.Annotated(v1alpha1.AnnotationTaskID, mirrored))
						if got, want := state.NeedsPurchase(vg), tt.buysAgain && resubmit == fixture.Attempt; got != want {
							t.Errorf("resubmit %q, adopt %q, task id %q: needsPurchase is %t, want %t", resubmit, adopt, mirrored, got, want)
						}
						wantID, wantAnnotation := "", ""
						if tt.adopts && adopt != "" {
							wantID, wantAnnotation = adopt, v1alpha1.AnnotationAdoptTaskID
						}
						if id, annotation := state.TaskToAdopt(vg); id != wantID || annotation != wantAnnotation {
							t.Errorf("resubmit %q, adopt %q, task id %q: taskToAdopt is %q of %q, want %q of %q", resubmit, adopt, mirrored, id, annotation, wantID, wantAnnotation)
						}
					}
				}
			}
		})
	}
}

// A resource without a task buys, unless an annotation offers it one.
func TestFactsWithoutATask(t *testing.T) {
	for _, tt := range []struct {
		reason          string
		adopt, mirrored string
		buys            bool
		id, annotation  string
	}{
		{reason: "nothing was bought and nothing is offered", buys: true},
		{reason: "the user offers a task", adopt: fixture.TaskID, id: fixture.TaskID, annotation: v1alpha1.AnnotationAdoptTaskID},
		{reason: "it was restored from a backup without its status", mirrored: fixture.TaskID, id: fixture.TaskID, annotation: v1alpha1.AnnotationTaskID},
		{reason: "the word of the user comes first", adopt: fixture.TaskID, mirrored: fixture.OtherTaskID, id: fixture.TaskID, annotation: v1alpha1.AnnotationAdoptTaskID},
		{reason: "what is no task id does not lead to a purchase either", adopt: "two words", id: "two words", annotation: v1alpha1.AnnotationAdoptTaskID},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			for _, resubmit := range []string{"", fixture.Attempt} {
				vg := fixture.Video("lighthouse", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, tt.adopt), fixture.Annotated(v1alpha1.AnnotationTaskID, tt.mirrored),
					fixture.Annotated(v1alpha1.AnnotationResubmit, resubmit))
				if got := state.NeedsPurchase(vg); got != tt.buys {
					t.Errorf("resubmit %q: needsPurchase is %t, want %t", resubmit, got, tt.buys)
				}
				id, annotation := state.TaskToAdopt(vg)
				if id != tt.id || (id != "" && annotation != tt.annotation) {
					t.Errorf("resubmit %q: taskToAdopt is %q of %q, want %q of %q", resubmit, id, annotation, tt.id, tt.annotation)
				}
			}
		})
	}
	if state.InFlight(nil) || state.IsLost(nil) || state.IsAdopted(nil) || state.FailedFor(nil, v1alpha1.ReasonTimedOut) {
		t.Error("no task is something")
	}
}

func TestIsQueued(t *testing.T) {
	deleted := func(vg *v1alpha1.VideoGeneration) {
		vg.Finalizers, vg.DeletionTimestamp = []string{"example.com/other"}, ptr.To(metav1.NewTime(fixture.Epoch))
	}
	suspended := func(yes bool) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(yes) }
	}
	for _, tt := range []struct {
		reason string
		vg     *v1alpha1.VideoGeneration
		want   bool
	}{
		{"it is new", fixture.Video("x"), true},
		{"it is not held back", fixture.Video("x", suspended(false)), true},
		{"it is held back", fixture.Video("x", suspended(true)), false},
		{"it is being deleted", fixture.Video("x", deleted), false},
		{"it is bought", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))), false},
		{"it is to be bought again", fixture.Video("x", fixture.With(fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID)), fixture.Annotated(v1alpha1.AnnotationResubmit, fixture.Attempt)), true},
		{"it is to be bought again, but held back", fixture.Video("x", fixture.With(fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID)),
			fixture.Annotated(v1alpha1.AnnotationResubmit, fixture.Attempt), suspended(true)), false},
		{"it is to be bought again, but its task is of another API", fixture.Video("x", fixture.With(fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID)), fixture.OfMarket,
			fixture.Annotated(v1alpha1.AnnotationResubmit, fixture.Attempt)), false},
		{"it adopts", fixture.Video("x", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.TaskID)), false},
	} {
		if got := state.IsQueued(tt.vg); got != tt.want {
			t.Errorf("%s: isQueued is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestIsAdopted(t *testing.T) {
	no := fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)
	no.Adopted = ptr.To(false)
	if state.IsAdopted(no) || state.IsAdopted(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)) || !state.IsAdopted(fixture.Adopted(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))) {
		t.Error("isAdopted does not say what the task says")
	}
}

func TestFailedFor(t *testing.T) {
	for _, tt := range []struct {
		reason string
		task   *v1alpha1.Task
		want   bool
	}{
		{"that is its cause", fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID), true},
		{"it has another cause", fixture.Failed(v1alpha1.ReasonTaskExpired, fixture.TaskID), false},
		{"it has no cause", fixture.Task(v1alpha1.TaskFailed, fixture.TaskID), false},
		{"it goes on, whatever the failure says", &v1alpha1.Task{State: v1alpha1.TaskRunning, Failure: &v1alpha1.TaskFailure{Reason: v1alpha1.ReasonTimedOut}}, false},
	} {
		if got := state.FailedFor(tt.task, v1alpha1.ReasonTimedOut); got != tt.want {
			t.Errorf("%s: failedFor is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestCalledBack(t *testing.T) {
	receipt := func(attempt, id string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) {
			vg.Status.Callback = &v1alpha1.CallbackReceipt{Attempt: attempt, TaskID: id, ReceivedAt: metav1.NewMicroTime(fixture.Epoch)}
		}
	}
	for _, tt := range []struct {
		reason string
		vg     *v1alpha1.VideoGeneration
		want   bool
	}{
		{"there is neither", fixture.Video("x"), false},
		{"there is no task", fixture.Video("x", receipt(fixture.Attempt, fixture.TaskID)), false},
		{"there is no receipt", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))), false},
		{"it is for this task", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), receipt(fixture.Attempt, fixture.TaskID)), true},
		{"it is for this attempt, whose task is not known yet", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, "")), receipt(fixture.Attempt, fixture.TaskID)), true},
		{"it is for an earlier attempt", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, "")), receipt("earlier", fixture.TaskID)), false},
		{"it names another task", fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), receipt(fixture.Attempt, fixture.OtherTaskID)), false},
	} {
		if got := state.CalledBack(tt.vg); got != tt.want {
			t.Errorf("%s: calledBack is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestDeadline(t *testing.T) {
	vg := fixture.Video("x", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)))
	if got, want := state.Deadline(vg), fixture.Epoch.Add(30*time.Minute); !got.Equal(want) {
		t.Errorf("without spec.timeout the deadline is %s, want %s", got, want)
	}
	vg.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second}
	if got, want := state.Deadline(vg), fixture.Epoch.Add(90*time.Second); !got.Equal(want) {
		t.Errorf("with spec.timeout the deadline is %s, want %s", got, want)
	}
}
