// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// writeAPI writes an API into status.task of the video, as an operator of another version does.
func (w *world) writeAPI(api v1alpha1.TaskAPI) {
	w.t.Helper()
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Task.API = api
	w.must(w.live.Status().Patch(w.t.Context(), vg, client.MergeFrom(before)))
}

// asked counts the requests that an id, or a purchase, of another API must not lead to.
func (w *world) asked() (n int) {
	requests := w.sim.State().Requests
	for _, kind := range []string{"record-info", "generate", "extend", "get-4k-video", "get-1080p-video"} {
		n += requests[kind]
	}
	return n
}

// A task of an API that this operator does not use is not asked about, and nothing
// is bought in its place; it goes on when an operator comes that does.
func TestATaskOfAnUnknownAPI(t *testing.T) {
	lost := kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true}
	for name, tt := range map[string]struct {
		change []func(*v1alpha1.VideoGeneration)
		faults kiesim.Faults
		begin  time.Duration
		// then is what happens while it waits.
		then func(*v1alpha1.VideoGeneration)
		// end is the reason of Ready when its API is known again.
		end    string
		status metav1.ConditionStatus
	}{
		"at work": {end: v1alpha1.ReasonSucceeded, status: metav1.ConditionTrue},
		"at work, and to be bought again": {then: fixture.Resubmit,
			end: v1alpha1.ReasonSucceeded, status: metav1.ConditionTrue},
		"taken over": {change: []func(*v1alpha1.VideoGeneration){fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID)},
			end: v1alpha1.ReasonTaskNotFound, status: metav1.ConditionFalse},
		"lost": {faults: lost,
			end: v1alpha1.ReasonSubmissionUnknown, status: metav1.ConditionFalse},
		"lost, and to be taken over": {faults: lost, then: fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID),
			end: v1alpha1.ReasonTaskNotFound, status: metav1.ConditionFalse},
		"given up, and to be bought again": {change: []func(*v1alpha1.VideoGeneration){prompt("[sim:latency=3h]")}, begin: 40 * time.Minute, then: fixture.Resubmit,
			end: v1alpha1.ReasonSucceeded, status: metav1.ConditionTrue},
		"failed, and to be tried again": {change: []func(*v1alpha1.VideoGeneration){maxAttempts(2), prompt("[sim:fail=501]")}, begin: 80 * time.Second,
			end: v1alpha1.ReasonGenerationFailed, status: metav1.ConditionFalse},
		"to be upgraded": {change: []func(*v1alpha1.VideoGeneration){fixture.In(v1alpha1.Resolution1080p), prompt("[sim:latency=2s]")}, begin: 3 * time.Second,
			end: v1alpha1.ReasonSucceeded, status: metav1.ConditionTrue},
		"held by a finalizer": {change: []func(*v1alpha1.VideoGeneration){func(vg *v1alpha1.VideoGeneration) { vg.Finalizers = []string{"example.com/hold"} }},
			end: v1alpha1.ReasonSucceeded, status: metav1.ConditionTrue},
	} {
		for _, api := range []v1alpha1.TaskAPI{v1alpha1.TaskAPIMarket, "Studio"} {
			t.Run(name+"/"+string(api), func(t *testing.T) {
				w := newWorld(t, worldOptions{paidMost: 2})
				w.sim.SetFaults(tt.faults)
				w.create("video", tt.change...)
				w.pass(0)
				w.run(tt.begin)
				w.writeAPI(api)
				before, asked := w.get("video").Status.Task, w.asked()
				if tt.then != nil {
					w.update("video", tt.then)
				}
				if len(w.get("video").Finalizers) > 0 {
					w.must(w.live.Delete(t.Context(), w.get("video")))
				}
				w.run(5 * time.Hour)
				vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAPIUnknown)
				if vg.Status.Task.State != before.State || vg.Status.Task.ID != before.ID || vg.Status.Task.Attempt != before.Attempt {
					t.Errorf("the task has become %+v", vg.Status.Task)
				}
				if now := w.asked(); now != asked {
					t.Errorf("KIE.AI was asked %d times", now-asked)
				}
				w.wantEvent("Warning APIUnknown", string(api))
				w.writeAPI(v1alpha1.TaskAPIVeo)
				w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Hour} })
				w.run(5 * time.Hour)
				w.wantReady("video", tt.status, tt.end)
			})
		}
	}
}

// What has come to its end, or was given up, stays there, whatever its API is.
func TestAnEndOfAnUnknownAPIStays(t *testing.T) {
	for name, tt := range map[string]struct {
		prompt string
		status metav1.ConditionStatus
		reason string
	}{
		"succeeded": {"[sim:latency=2s]", metav1.ConditionTrue, v1alpha1.ReasonSucceeded},
		"given up":  {"[sim:latency=3h]", metav1.ConditionFalse, v1alpha1.ReasonTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{noCallbacks: true})
			w.create("video", prompt(tt.prompt))
			w.run(time.Hour)
			w.writeAPI(v1alpha1.TaskAPIMarket)
			asked := w.asked()
			w.run(5 * time.Hour)
			w.wantReady("video", tt.status, tt.reason)
			if now := w.asked(); now != asked {
				t.Errorf("KIE.AI was asked %d times", now-asked)
			}
		})
	}
}

// Which API a task belongs to is written down with it, and stays with it.
func TestTheAPIOfATask(t *testing.T) {
	t.Run("bought, and bought again", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.after(1, func() {
			if got := w.get("video").Status.Task.API; got != v1alpha1.TaskAPIVeo {
				t.Errorf("the intent is one of API %q", got)
			}
		})
		w.sim.SetFaults(kiesim.Faults{Fail: 501})
		w.create("video", maxAttempts(2))
		w.run(time.Hour)
		status := w.get("video").Status
		if status.Task.API != v1alpha1.TaskAPIVeo || len(status.History) != 1 || status.History[0].API != v1alpha1.TaskAPIVeo {
			t.Errorf("the task is %+v after %+v", status.Task, status.History)
		}
	})
	for name, change := range map[string]func(*v1alpha1.VideoGeneration){
		"taken over":                    fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.TaskID),
		"restored":                      fixture.Annotated(v1alpha1.AnnotationTaskID, fixture.TaskID),
		"restored before it had a task": fixture.Annotated(v1alpha1.AnnotationAttempt, "cAaZVon1GVwMsQ0vZJ-FJA"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", change)
			w.pass(0)
			if task := w.get("video").Status.Task; task == nil || task.API != v1alpha1.TaskAPIVeo {
				t.Errorf("the task is %+v", task)
			}
		})
	}
	t.Run("older than the field", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.pass(0)
		w.writeAPI("")
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}
