// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// epoch is the beginning of time in tests of pure functions.
var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const (
	testAttempt = "attempt-of-the-task"
	testTaskID  = "5a1f0c3e9b7d48e2a6c4f80b1d2e3a47"
	otherTaskID = "0123456789abcdef0123456789abcdef"
)

// video is a resource that waits to be bought; the changes make it another one.
func video(name string, changes ...func(*v1alpha1.VideoGeneration)) *v1alpha1.VideoGeneration {
	vg := &v1alpha1.VideoGeneration{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "VideoGeneration"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "films", Name: name, UID: types.UID("uid-of-" + name), Generation: 1, CreationTimestamp: metav1.NewTime(epoch),
		},
		Spec: v1alpha1.VideoGenerationSpec{Prompt: "A lighthouse called " + name},
	}
	for _, change := range changes {
		change(vg)
	}
	return vg
}

// created says when the resource was created.
func created(at time.Time) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.CreationTimestamp = metav1.NewTime(at) }
}

// annotated adds an annotation, unless it is empty.
func annotated(key, value string) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) {
		if value != "" {
			metav1.SetMetaDataAnnotation(&vg.ObjectMeta, key, value)
		}
	}
}

// identity is that of an account.
func identity(namespace, name string) v1alpha1.AccountIdentity {
	return v1alpha1.AccountIdentity{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name)}
}

// with gives the resource a copy of the task.
func with(task *v1alpha1.Task) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Status.Task = task.DeepCopy() }
}

// task is a task of the test attempt, submitted at the epoch.
func task(state v1alpha1.TaskState, id string) *v1alpha1.Task {
	return &v1alpha1.Task{Attempt: testAttempt, Number: 1, SubmittedAt: metav1.NewTime(epoch), State: state, ID: id}
}

// failed is a task that has ended without a video.
func failed(reason, id string) *v1alpha1.Task {
	t := task(v1alpha1.TaskFailed, id)
	t.Failure = &v1alpha1.TaskFailure{Reason: reason, Message: "it failed"}
	t.CompletedAt = ptr.To(metav1.NewTime(epoch.Add(time.Minute)))
	return t
}

// adopted is a task that was given to the resource by annotation.
func adopted(t *v1alpha1.Task) *v1alpha1.Task {
	t.Adopted = ptr.To(true)
	return t
}

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
		{reason: "the purchase is being made, or its answer was lost", task: task(v1alpha1.TaskSubmitting, ""), inFlight: true, lost: true, buysAgain: true, adopts: true},
		{reason: "a hand-written status: the id is known, so nothing is lost", task: task(v1alpha1.TaskSubmitting, testTaskID), inFlight: true},
		{reason: "it is paid for and at work", task: task(v1alpha1.TaskRunning, testTaskID), inFlight: true},
		{reason: "a hand-written status: it says that there is a task", task: task(v1alpha1.TaskRunning, ""), inFlight: true},
		{reason: "another resource may have bought it, and it is at work", task: adopted(task(v1alpha1.TaskRunning, testTaskID)), inFlight: true},
		{reason: "what is finished is never bought again", task: task(v1alpha1.TaskSucceeded, testTaskID)},
		{reason: "it may have been bought; only the user can know", task: failed(v1alpha1.ReasonSubmissionUnknown, ""), lost: true, buysAgain: true, adopts: true},
		{reason: "a hand-written status: it has an id, so it is not lost", task: failed(v1alpha1.ReasonSubmissionUnknown, testTaskID), buysAgain: true},
		{reason: "KIE.AI knows of no such task: the id may be wrong", task: failed(v1alpha1.ReasonTaskNotFound, testTaskID), buysAgain: true, adopts: true},
		{reason: "the video was refused", task: failed(v1alpha1.ReasonContentRejected, testTaskID), buysAgain: true},
		{reason: "the video was refused before there was a task", task: failed(v1alpha1.ReasonContentRejected, ""), buysAgain: true},
		{reason: "the video could not be made", task: failed(v1alpha1.ReasonGenerationFailed, testTaskID), buysAgain: true},
		{reason: "it may still be finished, and the user wants another one now", task: failed(v1alpha1.ReasonTimedOut, testTaskID), buysAgain: true},
		{reason: "KIE.AI no longer speaks of it", task: failed(v1alpha1.ReasonTaskExpired, testTaskID), buysAgain: true},
		{reason: "the request cannot be fulfilled", task: failed(v1alpha1.ReasonInvalidRequest, ""), buysAgain: true},
		{reason: "a hand-written status: it failed, nobody knows why", task: task(v1alpha1.TaskFailed, ""), buysAgain: true},
		{reason: "an adopted task failed", task: adopted(failed(v1alpha1.ReasonGenerationFailed, testTaskID)), buysAgain: true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			if got := inFlight(tt.task); got != tt.inFlight {
				t.Errorf("inFlight is %t, want %t", got, tt.inFlight)
			}
			if got := isLost(tt.task); got != tt.lost {
				t.Errorf("isLost is %t, want %t", got, tt.lost)
			}
			for _, resubmit := range []string{"", testAttempt, "another-attempt", testTaskID, " " + testAttempt} {
				for _, adopt := range []string{"", testTaskID, otherTaskID} {
					for _, mirrored := range []string{"", testTaskID, otherTaskID} {
						vg := video("lighthouse", with(tt.task), annotated(v1alpha1.AnnotationResubmit, resubmit),
							annotated(v1alpha1.AnnotationAdoptTaskID, adopt), annotated(v1alpha1.AnnotationTaskID, mirrored))
						if got, want := needsPurchase(vg), tt.buysAgain && resubmit == testAttempt; got != want {
							t.Errorf("resubmit %q, adopt %q, task id %q: needsPurchase is %t, want %t", resubmit, adopt, mirrored, got, want)
						}
						wantID, wantAnnotation := "", ""
						if tt.adopts && adopt != "" {
							wantID, wantAnnotation = adopt, v1alpha1.AnnotationAdoptTaskID
						}
						if id, annotation := taskToAdopt(vg); id != wantID || annotation != wantAnnotation {
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
		{reason: "the user offers a task", adopt: testTaskID, id: testTaskID, annotation: v1alpha1.AnnotationAdoptTaskID},
		{reason: "it was restored from a backup without its status", mirrored: testTaskID, id: testTaskID, annotation: v1alpha1.AnnotationTaskID},
		{reason: "the word of the user comes first", adopt: testTaskID, mirrored: otherTaskID, id: testTaskID, annotation: v1alpha1.AnnotationAdoptTaskID},
		{reason: "what is no task id does not lead to a purchase either", adopt: "two words", id: "two words", annotation: v1alpha1.AnnotationAdoptTaskID},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			for _, resubmit := range []string{"", testAttempt} {
				vg := video("lighthouse", annotated(v1alpha1.AnnotationAdoptTaskID, tt.adopt), annotated(v1alpha1.AnnotationTaskID, tt.mirrored),
					annotated(v1alpha1.AnnotationResubmit, resubmit))
				if got := needsPurchase(vg); got != tt.buys {
					t.Errorf("resubmit %q: needsPurchase is %t, want %t", resubmit, got, tt.buys)
				}
				id, annotation := taskToAdopt(vg)
				if id != tt.id || (id != "" && annotation != tt.annotation) {
					t.Errorf("resubmit %q: taskToAdopt is %q of %q, want %q of %q", resubmit, id, annotation, tt.id, tt.annotation)
				}
			}
		})
	}
	if inFlight(nil) || isLost(nil) || isAdopted(nil) || failedFor(nil, v1alpha1.ReasonTimedOut) {
		t.Error("no task is something")
	}
}

func TestIsQueued(t *testing.T) {
	deleted := func(vg *v1alpha1.VideoGeneration) {
		vg.Finalizers, vg.DeletionTimestamp = []string{"example.com/other"}, ptr.To(metav1.NewTime(epoch))
	}
	suspended := func(yes bool) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(yes) }
	}
	for _, tt := range []struct {
		reason string
		vg     *v1alpha1.VideoGeneration
		want   bool
	}{
		{"it is new", video("x"), true},
		{"it is not held back", video("x", suspended(false)), true},
		{"it is held back", video("x", suspended(true)), false},
		{"it is being deleted", video("x", deleted), false},
		{"it is bought", video("x", with(task(v1alpha1.TaskRunning, testTaskID))), false},
		{"it is to be bought again", video("x", with(failed(v1alpha1.ReasonTimedOut, testTaskID)), annotated(v1alpha1.AnnotationResubmit, testAttempt)), true},
		{"it is to be bought again, but held back", video("x", with(failed(v1alpha1.ReasonTimedOut, testTaskID)),
			annotated(v1alpha1.AnnotationResubmit, testAttempt), suspended(true)), false},
		{"it is to be bought again, but its task is of another API", video("x", with(failed(v1alpha1.ReasonTimedOut, testTaskID)), ofMarket,
			annotated(v1alpha1.AnnotationResubmit, testAttempt)), false},
		{"it adopts", video("x", annotated(v1alpha1.AnnotationAdoptTaskID, testTaskID)), false},
	} {
		if got := isQueued(tt.vg); got != tt.want {
			t.Errorf("%s: isQueued is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestIsAdopted(t *testing.T) {
	no := task(v1alpha1.TaskRunning, testTaskID)
	no.Adopted = ptr.To(false)
	if isAdopted(no) || isAdopted(task(v1alpha1.TaskRunning, testTaskID)) || !isAdopted(adopted(task(v1alpha1.TaskRunning, testTaskID))) {
		t.Error("isAdopted does not say what the task says")
	}
}

func TestFailedFor(t *testing.T) {
	for _, tt := range []struct {
		reason string
		task   *v1alpha1.Task
		want   bool
	}{
		{"that is its cause", failed(v1alpha1.ReasonTimedOut, testTaskID), true},
		{"it has another cause", failed(v1alpha1.ReasonTaskExpired, testTaskID), false},
		{"it has no cause", task(v1alpha1.TaskFailed, testTaskID), false},
		{"it goes on, whatever the failure says", &v1alpha1.Task{State: v1alpha1.TaskRunning, Failure: &v1alpha1.TaskFailure{Reason: v1alpha1.ReasonTimedOut}}, false},
	} {
		if got := failedFor(tt.task, v1alpha1.ReasonTimedOut); got != tt.want {
			t.Errorf("%s: failedFor is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestCalledBack(t *testing.T) {
	receipt := func(attempt, id string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) {
			vg.Status.Callback = &v1alpha1.CallbackReceipt{Attempt: attempt, TaskID: id, ReceivedAt: metav1.NewMicroTime(epoch)}
		}
	}
	for _, tt := range []struct {
		reason string
		vg     *v1alpha1.VideoGeneration
		want   bool
	}{
		{"there is neither", video("x"), false},
		{"there is no task", video("x", receipt(testAttempt, testTaskID)), false},
		{"there is no receipt", video("x", with(task(v1alpha1.TaskRunning, testTaskID))), false},
		{"it is for this task", video("x", with(task(v1alpha1.TaskRunning, testTaskID)), receipt(testAttempt, testTaskID)), true},
		{"it is for this attempt, whose task is not known yet", video("x", with(task(v1alpha1.TaskSubmitting, "")), receipt(testAttempt, testTaskID)), true},
		{"it is for an earlier attempt", video("x", with(task(v1alpha1.TaskSubmitting, "")), receipt("earlier", testTaskID)), false},
		{"it names another task", video("x", with(task(v1alpha1.TaskRunning, testTaskID)), receipt(testAttempt, otherTaskID)), false},
	} {
		if got := calledBack(tt.vg); got != tt.want {
			t.Errorf("%s: calledBack is %t, want %t", tt.reason, got, tt.want)
		}
	}
}

func TestDeadline(t *testing.T) {
	vg := video("x", with(task(v1alpha1.TaskRunning, testTaskID)))
	if got, want := deadline(vg), epoch.Add(30*time.Minute); !got.Equal(want) {
		t.Errorf("without spec.timeout the deadline is %s, want %s", got, want)
	}
	vg.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second}
	if got, want := deadline(vg), epoch.Add(90*time.Second); !got.Equal(want) {
		t.Errorf("with spec.timeout the deadline is %s, want %s", got, want)
	}
}
