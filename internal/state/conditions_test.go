// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// situation is what the status says of the task, and what the operator says of
// the resource when nothing is in its way.
type situation struct {
	name    string
	task    *v1alpha1.Task
	status  metav1.ConditionStatus
	reason  string
	message string
	// ended says that nothing more is to come of the task.
	ended bool
}

var situations = []situation{
	{"nothing is bought", nil, metav1.ConditionUnknown, v1alpha1.ReasonQueued, "the video is not bought yet", false},
	{"being bought", fixture.Task(v1alpha1.TaskSubmitting, ""), metav1.ConditionUnknown, v1alpha1.ReasonSubmitting, "buying the video from KIE.AI", false},
	{"at work", fixture.Task(v1alpha1.TaskRunning, fixture.TaskID), metav1.ConditionUnknown, v1alpha1.ReasonGenerating, "KIE.AI is making the video (task " + fixture.TaskID + ")", false},
	{"adopted", fixture.Adopted(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), metav1.ConditionUnknown, v1alpha1.ReasonGenerating, "KIE.AI is making the video (task " + fixture.TaskID + ")", false},
	{"finished", fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID), metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "the video is finished; status.videos says where it is", true},
	{"failed, nobody knows why", fixture.Task(v1alpha1.TaskFailed, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed, "the task has failed; its cause is not known", true},
	{"refused", fixture.Failed(v1alpha1.ReasonContentRejected, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonContentRejected, "it failed", true},
	{"failed", fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed, "it failed", true},
	{"invalid", fixture.Failed(v1alpha1.ReasonInvalidRequest, ""), metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest, "it failed", true},
	{"disabled", fixture.Failed(v1alpha1.ReasonFeatureDisabled, ""), metav1.ConditionFalse, v1alpha1.ReasonFeatureDisabled, "it failed", true},
	{"expired", fixture.Failed(v1alpha1.ReasonTaskExpired, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonTaskExpired, "it failed", true},
	{"not found", fixture.Failed(v1alpha1.ReasonTaskNotFound, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound, "it failed", true},
	{"timed out", fixture.Failed(v1alpha1.ReasonTimedOut, fixture.TaskID), metav1.ConditionFalse, v1alpha1.ReasonTimedOut, "it failed", true},
	{"lost", fixture.Failed(v1alpha1.ReasonSubmissionUnknown, ""), metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown, "it failed", true},
}

// everyWait has all that a resource may wait for.
func everyWait() []state.Wait {
	all := []state.Wait{
		{Kind: state.Progressing, Reason: v1alpha1.ReasonQueued, Message: "waiting for a turn"},
		{Kind: state.Retrying, Reason: v1alpha1.ReasonAccountNotFound, Message: "there is no such account"},
		{Kind: state.Retrying, Reason: v1alpha1.ReasonAccountNotAllowed, Message: "the account does not allow the namespace"},
		{Kind: state.Retrying, Reason: v1alpha1.ReasonSubmitting, Message: "the answer was lost"},
		{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: "held back"},
		state.UnknownAPI(&v1alpha1.Task{API: v1alpha1.TaskAPIMarket}),
		{Kind: state.Stalled, Reason: v1alpha1.ReasonInvalidTaskID, Message: "that is no task id"},
	}
	for class := range admission.RefusalAdvice {
		all = append(all, admission.WaitingFor(class, fixture.Account))
	}
	return all
}

// extra is the condition beside Ready that goes with what is waited for.
func extra(kind state.WaitKind, reason, message string) (metav1.Condition, bool) {
	c := metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Message: message}
	switch kind {
	case state.Progressing:
		c.Reason = v1alpha1.ReasonProgressing
	case state.Retrying:
		c.Reason = v1alpha1.ReasonProgressingWithRetry
	case state.Stalled:
		c.Type, c.Reason = v1alpha1.ConditionStalled, reason
	case state.Held:
		return metav1.Condition{}, false
	}
	return c, true
}

// wantConditions asserts exactly these conditions, whenever they came.
func wantConditions(t *testing.T, vg *v1alpha1.VideoGeneration, want ...metav1.Condition) {
	t.Helper()
	got := map[string]metav1.Condition{}
	for _, c := range vg.Status.Conditions {
		c.LastTransitionTime = metav1.Time{}
		got[c.Type] = c
	}
	wanted := map[string]metav1.Condition{}
	for _, c := range want {
		c.ObservedGeneration = vg.Generation
		wanted[c.Type] = c
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	for _, problem := range fixture.LintStatus(vg) {
		t.Error(problem)
	}
}

func TestConditionsOfEachFact(t *testing.T) {
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			vg := fixture.Video("lighthouse", fixture.With(s.task))
			vg.Generation = 3
			state.Summarize(vg, state.Wait{}, fixture.Epoch)
			want := []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: s.status, Reason: s.reason, Message: s.message}}
			switch s.status {
			case metav1.ConditionUnknown:
				c, _ := extra(state.Progressing, s.reason, s.message)
				want = append(want, c)
			case metav1.ConditionFalse:
				c, _ := extra(state.Stalled, s.reason, s.message)
				want = append(want, c)
			}
			wantConditions(t, vg, want...)
		})
	}
}

// What is waited for is said in place of the step, unless the task has ended:
// an end stays an end, until the user asks for more.
func TestConditionsOfEachWait(t *testing.T) {
	for _, s := range situations {
		for _, w := range everyWait() {
			for _, again := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/resubmit=%t", s.name, w.Reason, again), func(t *testing.T) {
					vg := fixture.Video("lighthouse", fixture.With(s.task))
					if again {
						fixture.Annotated(v1alpha1.AnnotationResubmit, fixture.Attempt)(vg)
					}
					state.Summarize(vg, w, fixture.Epoch)
					if s.ended && !state.NeedsPurchase(vg) && w.Kind != state.Stalled {
						ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
						if ready == nil || ready.Status != s.status || ready.Reason != s.reason {
							t.Errorf("Ready is %+v, want %s/%s", ready, s.status, s.reason)
						}
						return
					}
					ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: w.Reason, Message: w.Message}
					if w.Kind == state.Stalled {
						ready.Status = metav1.ConditionFalse
					}
					want := []metav1.Condition{ready}
					if c, some := extra(w.Kind, w.Reason, w.Message); some {
						want = append(want, c)
					}
					wantConditions(t, vg, want...)
				})
			}
		}
	}
}

// Between any two moments of any lives, the conditions hang together; what
// stays has stayed since it came, what came is new, and looking again changes
// nothing, so that nothing is written.
func TestConditionsFromAnyToAny(t *testing.T) {
	var moments []func() *v1alpha1.VideoGeneration
	for _, s := range situations {
		for _, w := range append(everyWait(), state.Wait{}) {
			moments = append(moments, func() *v1alpha1.VideoGeneration {
				vg := fixture.Video("lighthouse", fixture.With(s.task))
				state.Summarize(vg, w, fixture.Epoch)
				return vg
			})
		}
	}
	later, muchLater := fixture.Epoch.Add(time.Minute), fixture.Epoch.Add(time.Hour)
	for _, from := range moments {
		for _, s := range situations {
			for _, w := range append(everyWait(), state.Wait{}) {
				vg := from()
				vg.Generation++
				fixture.With(s.task)(vg)
				before := vg.DeepCopy()
				state.Summarize(vg, w, later)
				for _, problem := range fixture.LintStatus(vg) {
					t.Errorf("%+v, then %s and %+v: %s", before.Status.Conditions, s.name, w, problem)
				}
				for _, c := range vg.Status.Conditions {
					want := later
					if was := meta.FindStatusCondition(before.Status.Conditions, c.Type); was != nil && was.Status == c.Status {
						want = fixture.Epoch
					}
					if !c.LastTransitionTime.Time.Equal(want) {
						t.Errorf("%+v, then %s and %+v: %s is since %s, want since %s", before.Status.Conditions, s.name, w, c.Type, c.LastTransitionTime, want)
					}
				}
				after := vg.DeepCopy()
				state.Summarize(vg, w, muchLater)
				if diff := cmp.Diff(after.Status, vg.Status); diff != "" {
					t.Errorf("%s and %+v: looking again changed the status (-before +after):\n%s", s.name, w, diff)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// The conditions of others are none of ours; a resource has only our own.
func TestStrangeConditionsGo(t *testing.T) {
	vg := fixture.Video("lighthouse", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)))
	vg.Status.Conditions = []metav1.Condition{
		{Type: "Strange", Status: metav1.ConditionTrue, Reason: "Who", Message: "knows"},
		{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionFalse, Reason: "NotStalled", Message: "said an earlier version"},
	}
	state.Summarize(vg, state.Wait{}, fixture.Epoch)
	wantConditions(t, vg, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded,
		Message: "the video is finished; status.videos says where it is"})
}

// The stored time has whole seconds: a finer one would differ from what is read
// back.
func TestTransitionTimesHaveWholeSeconds(t *testing.T) {
	vg := fixture.Video("lighthouse")
	state.Summarize(vg, state.Wait{}, fixture.Epoch.Add(999*time.Millisecond))
	for _, c := range vg.Status.Conditions {
		if !c.LastTransitionTime.Time.Equal(fixture.Epoch) {
			t.Errorf("%s is since %s, want %s", c.Type, c.LastTransitionTime.Time, fixture.Epoch)
		}
	}
}
