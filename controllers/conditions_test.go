// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
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
	{"being bought", task(v1alpha1.TaskSubmitting, ""), metav1.ConditionUnknown, v1alpha1.ReasonSubmitting, "buying the video from KIE.AI", false},
	{"at work", task(v1alpha1.TaskRunning, testTaskID), metav1.ConditionUnknown, v1alpha1.ReasonGenerating, "KIE.AI is making the video (task " + testTaskID + ")", false},
	{"adopted", adopted(task(v1alpha1.TaskRunning, testTaskID)), metav1.ConditionUnknown, v1alpha1.ReasonGenerating, "KIE.AI is making the video (task " + testTaskID + ")", false},
	{"finished", task(v1alpha1.TaskSucceeded, testTaskID), metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "the video is finished; status.videos says where it is", true},
	{"failed, nobody knows why", task(v1alpha1.TaskFailed, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed, "the task has failed; its cause is not known", true},
	{"refused", failed(v1alpha1.ReasonContentRejected, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonContentRejected, "it failed", true},
	{"failed", failed(v1alpha1.ReasonGenerationFailed, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed, "it failed", true},
	{"invalid", failed(v1alpha1.ReasonInvalidRequest, ""), metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest, "it failed", true},
	{"disabled", failed(v1alpha1.ReasonFeatureDisabled, ""), metav1.ConditionFalse, v1alpha1.ReasonFeatureDisabled, "it failed", true},
	{"expired", failed(v1alpha1.ReasonTaskExpired, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonTaskExpired, "it failed", true},
	{"not found", failed(v1alpha1.ReasonTaskNotFound, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound, "it failed", true},
	{"timed out", failed(v1alpha1.ReasonTimedOut, testTaskID), metav1.ConditionFalse, v1alpha1.ReasonTimedOut, "it failed", true},
	{"lost", failed(v1alpha1.ReasonSubmissionUnknown, ""), metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown, "it failed", true},
}

var testAccount = &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "films", Name: "default"}}

// waits are what a resource may wait for, besides nothing.
func everyWait() []waiting {
	all := []waiting{
		{kind: progressing, reason: v1alpha1.ReasonQueued, message: "waiting for a turn"},
		{kind: retrying, reason: v1alpha1.ReasonAccountNotFound, message: "there is no such account"},
		{kind: retrying, reason: v1alpha1.ReasonAccountNotAllowed, message: "the account does not allow the namespace"},
		{kind: retrying, reason: v1alpha1.ReasonSubmitting, message: "the answer was lost"},
		{kind: held, reason: v1alpha1.ReasonSuspended, message: "held back"},
		unknownAPI(&v1alpha1.Task{API: v1alpha1.TaskAPIMarket}),
		{kind: stalled, reason: v1alpha1.ReasonInvalidTaskID, message: "that is no task id"},
	}
	for class := range refusalAdvice {
		all = append(all, waitingFor(class, testAccount))
	}
	return all
}

// extra is the condition beside Ready that goes with what is waited for.
func extra(kind waitKind, reason, message string) (metav1.Condition, bool) {
	c := metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Message: message}
	switch kind {
	case progressing:
		c.Reason = v1alpha1.ReasonProgressing
	case retrying:
		c.Reason = v1alpha1.ReasonProgressingWithRetry
	case stalled:
		c.Type, c.Reason = v1alpha1.ConditionStalled, reason
	case held:
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
	for _, problem := range lintStatus(vg) {
		t.Error(problem)
	}
}

func TestConditionsOfEachFact(t *testing.T) {
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			vg := video("lighthouse", with(s.task))
			vg.Generation = 3
			summarize(vg, waiting{}, epoch)
			want := []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: s.status, Reason: s.reason, Message: s.message}}
			switch s.status {
			case metav1.ConditionUnknown:
				c, _ := extra(progressing, s.reason, s.message)
				want = append(want, c)
			case metav1.ConditionFalse:
				c, _ := extra(stalled, s.reason, s.message)
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
				t.Run(fmt.Sprintf("%s/%s/resubmit=%t", s.name, w.reason, again), func(t *testing.T) {
					vg := video("lighthouse", with(s.task))
					if again {
						annotated(v1alpha1.AnnotationResubmit, testAttempt)(vg)
					}
					summarize(vg, w, epoch)
					if s.ended && !needsPurchase(vg) && w.kind != stalled {
						ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
						if ready == nil || ready.Status != s.status || ready.Reason != s.reason {
							t.Errorf("Ready is %+v, want %s/%s", ready, s.status, s.reason)
						}
						return
					}
					ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: w.reason, Message: w.message}
					if w.kind == stalled {
						ready.Status = metav1.ConditionFalse
					}
					want := []metav1.Condition{ready}
					if c, some := extra(w.kind, w.reason, w.message); some {
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
		for _, w := range append(everyWait(), waiting{}) {
			moments = append(moments, func() *v1alpha1.VideoGeneration {
				vg := video("lighthouse", with(s.task))
				summarize(vg, w, epoch)
				return vg
			})
		}
	}
	later, muchLater := epoch.Add(time.Minute), epoch.Add(time.Hour)
	for _, from := range moments {
		for _, s := range situations {
			for _, w := range append(everyWait(), waiting{}) {
				vg := from()
				vg.Generation++
				with(s.task)(vg)
				before := vg.DeepCopy()
				summarize(vg, w, later)
				for _, problem := range lintStatus(vg) {
					t.Errorf("%+v, then %s and %+v: %s", before.Status.Conditions, s.name, w, problem)
				}
				for _, c := range vg.Status.Conditions {
					want := later
					if was := meta.FindStatusCondition(before.Status.Conditions, c.Type); was != nil && was.Status == c.Status {
						want = epoch
					}
					if !c.LastTransitionTime.Time.Equal(want) {
						t.Errorf("%+v, then %s and %+v: %s is since %s, want since %s", before.Status.Conditions, s.name, w, c.Type, c.LastTransitionTime, want)
					}
				}
				after := vg.DeepCopy()
				summarize(vg, w, muchLater)
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
	vg := video("lighthouse", with(task(v1alpha1.TaskSucceeded, testTaskID)))
	vg.Status.Conditions = []metav1.Condition{
		{Type: "Strange", Status: metav1.ConditionTrue, Reason: "Who", Message: "knows"},
		{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionFalse, Reason: "NotStalled", Message: "said an earlier version"},
	}
	summarize(vg, waiting{}, epoch)
	wantConditions(t, vg, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded,
		Message: "the video is finished; status.videos says where it is"})
}

// The stored time has whole seconds: a finer one would differ from what is read
// back.
func TestTransitionTimesHaveWholeSeconds(t *testing.T) {
	vg := video("lighthouse")
	summarize(vg, waiting{}, epoch.Add(999*time.Millisecond))
	for _, c := range vg.Status.Conditions {
		if !c.LastTransitionTime.Time.Equal(epoch) {
			t.Errorf("%s is since %s, want %s", c.Type, c.LastTransitionTime.Time, epoch)
		}
	}
}

// A message is the same for all attempts to ask, or each would be a write.
func TestMessagesOfRefusalsAreStable(t *testing.T) {
	for class := range refusalAdvice {
		if a, b := waitingFor(class, testAccount), waitingFor(class, testAccount); a != b || a.reason != string(class) || a.retryAfter != 0 {
			t.Errorf("%s: waiting is %+v, and then %+v", class, a, b)
		}
	}
	for _, class := range []kie.Class{"", "Unheard", kie.Invalid} {
		if got, want := waitingFor(class, testAccount), waitingFor(kie.Unavailable, testAccount); got != want {
			t.Errorf("%q: waiting is %+v, want %+v", class, got, want)
		}
	}
}
