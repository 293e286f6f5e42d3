// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

func maxAttempts(most int32) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Retry.MaxAttempts = most }
}

func TestRetryAt(t *testing.T) {
	for number, want := range map[int32]time.Duration{
		1: 30 * time.Second, 2: time.Minute, 3: 2 * time.Minute, 5: 8 * time.Minute, 6: 10 * time.Minute, 10: 10 * time.Minute, 1 << 30: 10 * time.Minute, -5: 30 * time.Second,
	} {
		ended := fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)
		ended.Number = number
		if got := state.RetryAt(ended).Sub(ended.CompletedAt.Time); got != want {
			t.Errorf("after attempt %d the wait is %s, want %s", number, got, want)
		}
	}
	// A status that nobody finished is no reason to panic.
	ended := fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)
	ended.CompletedAt = nil
	if got := state.RetryAt(ended).Sub(ended.SubmittedAt.Time); got != state.FirstRetryAfter {
		t.Errorf("without an end the wait is %s after the purchase, want %s", got, state.FirstRetryAfter)
	}
}

// A video that KIE.AI could not make is bought again as often as is allowed, and
// each purchase stays on record.
func TestRetry(t *testing.T) {
	for _, code := range []string{"500", "501"} {
		t.Run("fails every time with "+code, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 3})
			w.create("video", maxAttempts(3), prompt("[sim:fail="+code+"]"))
			w.run(80 * time.Second)
			waits := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
			if message := waits.Status.Conditions[0].Message; !strings.Contains(message, "attempt 1 of 3") {
				t.Errorf("the message does not say which attempt has failed: %s", message)
			}
			w.run(2 * time.Hour)
			vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed)
			w.wantPaid(3)
			if vg.Status.Task.Number != 3 || len(vg.Status.History) != 2 {
				t.Fatalf("number is %d, history %+v; want 3 and the 2 before", vg.Status.Task.Number, vg.Status.History)
			}
			tokens := map[string]bool{vg.Status.Task.Attempt: true}
			for i, past := range vg.Status.History {
				tokens[past.Attempt] = true
				if past.Number != int32(i+1) || past.ID == "" || past.Reason != v1alpha1.ReasonGenerationFailed || past.Code == nil || past.CompletedAt == nil {
					t.Errorf("entry %d of the history is %+v", i, past)
				}
			}
			if len(tokens) != 3 {
				t.Errorf("the attempts have %d tokens, want one each", len(tokens))
			}
			var at []time.Time
			for _, task := range w.sim.State().Tasks {
				at = append(at, task.CreatedAt)
			}
			if first, second := at[1].Sub(at[0]), at[2].Sub(at[1]); second <= first {
				t.Errorf("the second wait (%s) is not longer than the first (%s)", second, first)
			}
			// A user can still buy once more.
			w.paidMost = 4
			w.update("video", fixture.Resubmit)
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed)
			w.wantPaid(4)
		})
	}
	t.Run("the second one succeeds", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.sim.SetFaults(kiesim.Faults{Fail: 501})
		w.create("video", maxAttempts(5))
		w.pass(time.Second)
		w.sim.SetFaults(kiesim.Faults{})
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(2)
		if len(vg.Status.History) != 1 || vg.Status.Task.Number != 2 {
			t.Errorf("number is %d, history %+v", vg.Status.Task.Number, vg.Status.History)
		}
	})
	for _, markers := range []string{"[sim:fail=400]", "[sim:fail=422]", "[sim:submit=422]", "[sim:submit=505]", "[sim:never-finish]", "[sim:accept-then=drop] [sim:callback=never]"} {
		t.Run("never for "+markers, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", maxAttempts(5), prompt(markers))
			w.run(3 * time.Hour)
			if vg := w.get("video"); vg.Status.Task.Number != 1 || len(vg.Status.History) != 0 {
				t.Errorf("number is %d, history %+v; want it tried once", vg.Status.Task.Number, vg.Status.History)
			}
			if asked := w.sim.State().Requests["generate"]; asked != 1 {
				t.Errorf("KIE.AI was asked %d times, want once", asked)
			}
		})
	}
	t.Run("not while suspended", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.create("video", maxAttempts(2), prompt("[sim:fail=501]"))
		w.pass(time.Second)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
		w.wantPaid(1)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(2 * time.Hour)
		w.wantPaid(2)
	})
	t.Run("the limit is raised afterwards", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.create("video", prompt("[sim:fail=501]"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed)
		w.update("video", maxAttempts(2))
		w.run(time.Hour)
		w.wantPaid(2)
	})
	t.Run("an attempt whose answer is refused for the account is taken back", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.sim.SetFaults(kiesim.Faults{Fail: 501})
		w.create("video", maxAttempts(2))
		w.run(75 * time.Second)
		w.sim.SetFaults(kiesim.Faults{Submit: 455})
		w.run(2 * time.Minute)
		vg := w.wantReady("video", metav1.ConditionUnknown, "Maintenance")
		if vg.Status.Task.Number != 1 || len(vg.Status.History) != 0 {
			t.Errorf("number is %d, history %+v; nothing came of the second attempt", vg.Status.Task.Number, vg.Status.History)
		}
		w.sim.SetFaults(kiesim.Faults{})
		w.run(time.Hour)
		vg = w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(2)
		if vg.Status.Task.Number != 2 || len(vg.Status.History) != 1 {
			t.Errorf("number is %d, history %+v", vg.Status.Task.Number, vg.Status.History)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	var history []v1alpha1.PastTask
	for i := range int32(50) {
		past := fixture.Task(v1alpha1.TaskFailed, fixture.TaskID)
		past.Attempt, past.Number = fmt.Sprint(i), i+1
		history = state.WithPast(state.WithPast(history, past), past)
	}
	if len(history) != state.MaxHistory || history[state.MaxHistory-1].Number != 50 || history[0].Number != 31 {
		t.Errorf("the history has %d entries from %d to %d, want the last %d", len(history), history[0].Number, history[len(history)-1].Number, state.MaxHistory)
	}
	if left := state.WithoutPast(history, &v1alpha1.Task{Attempt: "49"}); len(left) != state.MaxHistory-1 || len(history) != state.MaxHistory {
		t.Errorf("%d entries are left of %d", len(left), len(history))
	}
	if state.WithPast(nil, nil) != nil || state.WithoutPast(nil, nil) != nil {
		t.Error("no task made history")
	}
}
