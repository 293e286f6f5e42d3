// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestAVideoIsBoughtOnceAndCalledBack(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("lighthouse")
	w.run(time.Hour)

	vg := w.wantReady("lighthouse", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	task := w.sim.State().Tasks[0]
	buyer := v1alpha1.IdentityOf(w.account())
	want := v1alpha1.VideoGenerationStatus{
		ObservedGeneration: 1,
		Account:            buyer,
		EstimatedCredits:   "60",
		Task: &v1alpha1.Task{
			Attempt: task.Attempt, Number: 1, Operation: v1alpha1.OperationGenerate, API: v1alpha1.TaskAPIVeo, Account: buyer, ID: task.ID,
			State: v1alpha1.TaskSucceeded, Credits: "60", CreditsConsumed: "60",
		},
		Purchases:    1,
		Callback:     &v1alpha1.CallbackReceipt{Attempt: task.Attempt, TaskID: task.ID, Code: ptr.To[int32](200)},
		FallbackUsed: ptr.To(false),
	}
	if diff := cmp.Diff(want, vg.Status, cmpopts.IgnoreTypes(metav1.Time{}, metav1.MicroTime{}, &metav1.Time{}, []metav1.Condition{}, []v1alpha1.Video{})); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if len(vg.Status.Videos) != 1 || vg.Status.Videos[0].Resolution != "720p" || !strings.HasPrefix(vg.Status.Videos[0].URL, w.kieServer.URL+"/v/"+task.ID) {
		t.Errorf("videos are %+v", vg.Status.Videos)
	}
	if got := vg.Annotations[v1alpha1.AnnotationTaskID]; got != task.ID {
		t.Errorf("the annotation mirrors task %q, want %q", got, task.ID)
	}
	if w.paid() != 1 {
		t.Errorf("%d tasks were paid for, want 1", w.paid())
	}
	if writes, receives := w.faults.writes.Load(), w.faults.receives.Load(); writes != 5 || receives != 1 {
		t.Errorf("the controller wrote %d times and the callback server %d times, want 5 (intent, its annotation, task id, its annotation, result) and 1", writes, receives)
	}
	if polls := w.sim.State().RecordInfoPolls[task.ID]; polls != 1 {
		t.Errorf("KIE.AI was asked %d times about the task, want once, after the callback", polls)
	}
	wantEvents := []string{"Normal Submitting", "Normal Generating", "Normal Succeeded"}
	for i, event := range w.events {
		if i >= len(wantEvents) || !strings.HasPrefix(event, wantEvents[i]) {
			t.Errorf("event %d is %q, want %v", i, event, wantEvents)
		}
	}

	// A finished resource costs nothing.
	before := w.get("lighthouse").ResourceVersion
	requests := w.sim.State().Requests["record-info"]
	w.pass(24 * time.Hour)
	if after := w.get("lighthouse").ResourceVersion; after != before {
		t.Error("the finished resource was written to")
	}
	if now := w.sim.State().Requests["record-info"]; now != requests {
		t.Error("KIE.AI was asked about the finished task")
	}
}

// Each way in which KIE.AI ends a task, learned through the callback and by
// polling, ends the resource the same way.
func TestHowATaskEnds(t *testing.T) {
	for _, tt := range []struct {
		name, markers string
		change        func(*v1alpha1.VideoGeneration)
		status        metav1.ConditionStatus
		reason        string
		message       string
		fallback      *bool
	}{
		{name: "success", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "policy", markers: "[sim:fail=400]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected, message: "change it in a new VideoGeneration"},
		{name: "flow", markers: "[sim:fail=422]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected, message: "enableFallback"},
		{name: "internal error", markers: "[sim:fail=500]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonGenerationFailed},
		{name: "failed", markers: "[sim:fail=501]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonGenerationFailed},
		{name: "fallback used", markers: "[sim:fallback=used]", change: func(vg *v1alpha1.VideoGeneration) { vg.Spec.EnableFallback = ptr.To(true) },
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(true)},
		{name: "fallback failed", markers: "[sim:fallback=failed]", change: func(vg *v1alpha1.VideoGeneration) { vg.Spec.EnableFallback = ptr.To(true) },
			status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected, message: "its fallback model too"},
		{name: "fallback not enabled", markers: "[sim:fallback=used]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected},
		{name: "id in snake case", markers: "[sim:callback-id=task_id]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "id at the top", markers: "[sim:callback-id=top]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "URLs as JSON text", markers: "[sim:urls=json]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "URLs in brackets", markers: "[sim:urls=brackets] [sim:time=text]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "malformed promptJson", markers: "[sim:prompt-json=malformed]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "flag lags behind", markers: "[sim:lag=90s]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "record is late", markers: "[sim:record=null-for=40s] [sim:latency=5s]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "record is refused for a while", markers: "[sim:record-code=500-for=3m]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "record is rate limited for a while", markers: "[sim:record-code=429-for=3m]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "record is refused for good", markers: "[sim:record-code=400-for=10h]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected},
		{name: "callback twice", markers: "[sim:callback=twice]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback early", markers: "[sim:callback=early]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback early, task later", markers: "[sim:callback=early] [sim:latency=70s]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback never", markers: "[sim:callback=never]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback late", markers: "[sim:callback=late=20m]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback lies of success", markers: "[sim:callback=forged] [sim:fail=400]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected},
		{name: "callback lies of other URLs", markers: "[sim:callback=forged]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback lies of failure", markers: "[sim:callback=forged-failure]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback badly signed", markers: "[sim:callback=bad-signature]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback unsigned", markers: "[sim:callback=unsigned]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback stale", markers: "[sim:callback=stale]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback for another task", markers: "[sim:callback=wrong-id]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback with two ids", markers: "[sim:callback=mixed-ids]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback too large", markers: "[sim:callback=oversized]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "callback of garbage", markers: "[sim:callback=garbage]", status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, fallback: ptr.To(false)},
		{name: "never finishes", markers: "[sim:never-finish]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonTimedOut, message: "raise spec.timeout"},
		{name: "invalid for KIE.AI", markers: "[sim:submit=422]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonInvalidRequest},
		{name: "refused for policy at once", markers: "[sim:submit=400]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected},
		{name: "refused as failed at once", markers: "[sim:submit=501]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonGenerationFailed},
		{name: "feature disabled", markers: "[sim:submit=505]", status: metav1.ConditionFalse, reason: v1alpha1.ReasonFeatureDisabled},
	} {
		for _, noCallbacks := range []bool{false, true} {
			name := tt.name + "/called back"
			if noCallbacks {
				name = tt.name + "/polled"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, worldOptions{noCallbacks: noCallbacks})
				w.create("video", prompt(tt.markers), func(vg *v1alpha1.VideoGeneration) {
					if tt.change != nil {
						tt.change(vg)
					}
				})
				w.run(2 * time.Hour)

				vg := w.wantReady("video", tt.status, tt.reason)
				if diff := cmp.Diff(tt.fallback, vg.Status.FallbackUsed); diff != "" {
					t.Errorf("fallbackUsed (-want +got):\n%s", diff)
				}
				if message := vg.Status.Conditions[0].Message; !strings.Contains(message, tt.message) {
					t.Errorf("the message is %q, want it to speak of %q", message, tt.message)
				}
				for _, video := range vg.Status.Videos {
					if !strings.HasPrefix(video.URL, w.kieServer.URL) {
						t.Errorf("the video is at %s, which KIE.AI's record never said", video.URL)
					}
				}
				if tt.status == metav1.ConditionTrue && len(vg.Status.Videos) != 1 {
					t.Errorf("videos are %+v, want one", vg.Status.Videos)
				}
			})
		}
	}
}

func TestWithoutCallbacksTheScheduleIsKept(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true})
	w.create("video", prompt("[sim:latency=100s]"))
	w.run(time.Hour)

	done := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	submitted, finished := done.Status.Task.SubmittedAt.Time, w.sim.State().Tasks[0].FinishedAt
	// The first question is up to a quarter of the time later, differently for each resource.
	questions := int(finished.Sub(submitted)/state.PollEveryWithout) + 1
	if got := w.sim.State().RecordInfoPolls[done.Status.Task.ID]; got != questions && got != questions-1 {
		t.Errorf("KIE.AI was asked %d times, want %d, or one less", got, questions)
	}
}

// A callback that never comes costs minutes, and not the time until the deadline.
func TestPollingIsTheNetBelowCallbacks(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:callback=never]"))
	w.run(state.FirstPollWithCallbacks + state.PollEveryWithCallbacks)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// KIE.AI is away when the deadline passes: what is paid for is not given up before
// it has been asked.
func TestKIEIsAwayAtTheDeadline(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true})
	w.create("video", prompt("[sim:latency=2m]"))
	w.pass(time.Minute)
	w.onRequest = func(int, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
	w.run(time.Hour)
	if vg := w.get("video"); vg.Status.Task.State != v1alpha1.TaskRunning {
		t.Errorf("the task is %+v while KIE.AI is away", vg.Status.Task)
	}
	w.onRequest = nil
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

func TestARestartMakesNothingDue(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true})
	w.create("video", prompt("[sim:never-finish]"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 24 * time.Hour} })
	w.run(5 * time.Minute)
	id := w.get("video").Status.Task.ID
	before := w.sim.State().RecordInfoPolls[id]
	for range 10 {
		w.restart()
		for w.round() {
		}
	}
	if after := w.sim.State().RecordInfoPolls[id]; after != before {
		t.Errorf("10 restarts asked KIE.AI %d times", after-before)
	}
}

// Each answer about a task that KIE.AI does not know, or not yet, means the same.
func TestUnknownRecords(t *testing.T) {
	for _, answer := range []kiesim.UnknownRecord{kiesim.UnknownRecordCode422, kiesim.UnknownRecordNull, kiesim.UnknownRecordCode404} {
		for name, noCallbacks := range map[string]bool{"called back": false, "polled": true} {
			t.Run(string(answer)+"/"+name, func(t *testing.T) {
				w := newWorld(t, worldOptions{noCallbacks: noCallbacks, sim: kiesim.Options{UnknownRecord: answer}})
				w.create("late", prompt("[sim:record=null-for=3m]"))
				w.create("foreign", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID))
				w.run(time.Hour)
				w.wantReady("late", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.wantReady("foreign", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
				w.wantPaid(1)
			})
		}
	}
}

func TestTimeout(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=45m] [sim:callback=never]"))
	w.run(40 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)

	// More time makes the operator look again, and nothing is bought for that.
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: time.Hour} })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

func TestALateCallbackBringsWhatWasPaidFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=45m]"))
	w.run(40 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// What has ended does not start again because its account is gone, or because
// KIE.AI is.
func TestAnEndStaysAnEnd(t *testing.T) {
	for name, trouble := range map[string]func(*world){
		"account deleted": func(w *world) { w.must(w.live.Delete(t.Context(), w.account())) },
		"key withdrawn":   func(w *world) { w.sim.SetAPIKey("another") },
		"KIE.AI away":     func(w *world) { w.kieServer.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("finished")
			w.create("refused", prompt("[sim:fail=400]"))
			w.create("timed-out", prompt("[sim:never-finish]"))
			w.create("lost", prompt("[sim:accept-then=drop] [sim:callback=never]"))
			w.run(time.Hour)
			before := w.written.all()
			attempt, id := w.get("timed-out").Status.Task.Attempt, w.get("timed-out").Status.Task.ID
			trouble(w)
			w.restart()
			w.run(time.Hour)
			w.callBack(attempt, id) // makes the operator ask about what it has given up
			w.run(time.Hour)

			w.wantReady("finished", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantReady("refused", metav1.ConditionFalse, v1alpha1.ReasonContentRejected)
			w.wantReady("timed-out", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
			w.wantReady("lost", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			for _, name := range []string{"vg/finished", "vg/refused", "vg/lost"} {
				if after := w.written.all(); after[name] != before[name] {
					t.Errorf("%s was written to after its end", name)
				}
			}
		})
	}
}

// The operator was away when the task finished and when its deadline passed:
// it asks before it gives up.
func TestTheDeadlinePassesWhileTheOperatorIsAway(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true})
	w.create("video", prompt("[sim:latency=10m]"))
	w.pass(0)
	w.restart()
	w.clock.SetTime(w.clock.Now().Add(3 * time.Hour))
	w.run(time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

func TestSuspend(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
	if w.paid() != 0 {
		t.Fatalf("%d tasks were paid for while suspended", w.paid())
	}
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(false) })
	w.pass(0)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonGenerating)

	// What is bought is watched to its end.
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

func TestADeletedResourceIsForgotten(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.create("video")
	w.pass(0)
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.create("video") // the same name, and another purchase
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if w.paid() != 2 || vg.Status.Task.ID != w.sim.State().Tasks[1].ID {
		t.Errorf("the second resource has task %s of %+v", vg.Status.Task.ID, w.sim.State().Tasks)
	}
}

// A late callback is followed for a while: KIE.AI's record may be later still.
func TestALateCallbackBeforeItsRecord(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=45m]"))
	w.run(44 * time.Minute)
	vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.clock.SetTime(vg.Status.Task.SubmittedAt.Add(44*time.Minute + 30*time.Second))
	w.callBack(vg.Status.Task.Attempt, vg.Status.Task.ID)
	w.run(9 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}
