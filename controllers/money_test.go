// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/controllers/generation"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// The writes of one plain life, in their order.
var writes = []string{"intent", "attempt", "task id", "annotation", "result"}

// Ways in which the API server refuses or loses a write.
var (
	errConflict = apierrors.NewConflict(schema.GroupResource{Group: "kie-operator.github.io", Resource: "videogenerations"}, "video", fmt.Errorf("changed"))
	errServer   = apierrors.NewInternalError(fmt.Errorf("etcd is away"))
	errTimeout  = apierrors.NewTimeoutError("no answer", 1)
)

// disturbance is something that happens at one write.
type disturbance struct {
	name string
	// at makes the write, or not, and says what the operator hears of it.
	at func(do func() error) error
	// times is how often in a row it happens.
	times int
}

var disturbances = []disturbance{
	{name: "refused with 409", times: 1, at: func(func() error) error { return errConflict }},
	{name: "refused with 500", times: 1, at: func(func() error) error { return errServer }},
	{name: "refused with 500 for a long time", times: 12, at: func(func() error) error { return errServer }},
	{name: "no answer, not written", times: 1, at: func(func() error) error { return errTimeout }},
	{name: "no answer, but written", times: 1, at: func(do func() error) error {
		if err := do(); err != nil {
			return err
		}
		return errTimeout
	}},
	{name: "process dies before", times: 1, at: func(func() error) error { panic(errCrash) }},
	{name: "process dies after", times: 1, at: func(do func() error) error {
		if err := do(); err != nil {
			return err
		}
		panic(errCrash)
	}},
}

// Whatever happens at whichever write, the video is paid for at most once and
// the resource ends as the money protocol promises.
func TestEveryWriteDisturbed(t *testing.T) {
	for number, write := range writes {
		for _, d := range disturbances {
			t.Run(write+"/"+d.name, func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				w.faults.onWrite = func(n int, do func() error) error {
					if n > number && n <= number+d.times {
						return d.at(do)
					}
					return do()
				}
				w.create("video")
				w.run(2 * time.Hour)

				if (write == "intent" && d.name == "process dies after") || (write == "attempt" && strings.HasPrefix(d.name, "process dies")) {
					// The one case in which nobody can know: nothing was sent, but the next process cannot see that.
					vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
					if w.paid() != 0 {
						t.Errorf("%d tasks were paid for, want none", w.paid())
					}
					w.update("video", func(vg *v1alpha1.VideoGeneration) {
						metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationResubmit, vg.Status.Task.Attempt)
					})
					w.run(time.Hour)
					if again := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); again.Status.Task.Attempt == vg.Status.Task.Attempt {
						t.Error("the resubmission has the attempt of the first purchase")
					}
				}
				vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				if w.paid() != 1 || vg.Status.Task.ID != w.sim.State().Tasks[0].ID || vg.Annotations[v1alpha1.AnnotationTaskID] != vg.Status.Task.ID {
					t.Errorf("paid for %+v, the resource has task %s, annotation %v", w.sim.State().Tasks, vg.Status.Task.ID, vg.Annotations)
				}
			})
		}
	}
}

// A callback that cannot be stored is not acknowledged, and KIE.AI tries again.
func TestTheMailboxDisturbed(t *testing.T) {
	for _, d := range disturbances {
		t.Run(d.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults.onReceive = func(n int, do func() error) (err error) {
				if n > d.times {
					return do()
				}
				defer func() {
					// The callback server is in the process that dies: nobody gets its answer.
					if recover() != nil {
						w.dies.Store(true)
						err = errTimeout
					}
				}()
				return d.at(do)
			}
			w.create("video")
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// The answer to the purchase is lost. The callback brings the task back;
// without one, nothing is bought again and the user is told the ways out.
func TestTheAnswerIsLost(t *testing.T) {
	for _, lost := range []string{"drop", "500", "502", "code-500", "garbage", "no-task-id"} {
		markers := "[sim:accept-then=" + lost + "]"
		t.Run(lost+"/called back", func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt(markers))
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if w.paid() != 1 {
				t.Errorf("%d tasks were paid for, want 1", w.paid())
			}
		})
		t.Run(lost+"/failed and called back", func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt(markers+" [sim:fail=400]"))
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonContentRejected)
		})
		t.Run(lost+"/callback after the window", func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt(markers+" [sim:callback=late=40m]"))
			w.run(35 * time.Minute)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
		t.Run(lost+"/adopted by the user", func(t *testing.T) {
			w := newWorld(t, worldOptions{noCallbacks: true})
			w.create("video", prompt(markers))
			w.run(2 * time.Hour)
			vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			if message := vg.Status.Conditions[0].Message; !strings.Contains(message, v1alpha1.AnnotationAdoptTaskID) || !strings.Contains(message, v1alpha1.AnnotationResubmit) {
				t.Errorf("the message does not say the ways out: %s", message)
			}
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationAdoptTaskID, w.sim.State().Tasks[0].ID)
			})
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if w.paid() != 1 {
				t.Errorf("%d tasks were paid for, want 1", w.paid())
			}
		})
	}
	t.Run("bought again by the user", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.create("video", prompt("[sim:accept-then=drop] [sim:callback=never]"))
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		w.update("video", func(vg *v1alpha1.VideoGeneration) {
			metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationResubmit, vg.Status.Task.Attempt)
		})
		w.run(4 * time.Hour)
		vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		if w.paid() != 2 || vg.Status.Task.Number != 2 {
			t.Errorf("%d tasks were paid for, number is %d; want one more for one annotation", w.paid(), vg.Status.Task.Number)
		}
	})
	t.Run("was never accepted", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", prompt("[sim:refuse-then=drop]"))
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		if requests := w.sim.State().Requests["generate"]; requests != 1 {
			t.Errorf("KIE.AI was asked %d times to make the video, want once", requests)
		}
	})
}

// A lost purchase is not given the task of another one, even if a callback with
// the right token and signature says so.
func TestACallbackCannotGiveAnotherTask(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("other")
	w.run(time.Hour)
	other := w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.create("video", prompt("[sim:accept-then=drop] [sim:callback=never]"))
	w.pass(0)
	status := w.callBack(w.get("video").Status.Task.Attempt, other.Status.Task.ID)
	if status != http.StatusOK {
		t.Fatalf("the callback was answered with %d", status)
	}
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
}

// A resource that is restored from a backup without its status takes its task
// over.
func TestARestoredResourceAdopts(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.run(time.Hour)
	vg := w.get("video")
	w.must(w.live.Delete(t.Context(), vg))
	restored := &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name, Annotations: vg.Annotations}, Spec: vg.Spec}
	w.must(w.live.Create(t.Context(), restored))
	w.run(time.Hour)
	again := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if w.paid() != 1 || again.Status.Task.ID != vg.Status.Task.ID || again.Status.Task.Adopted == nil || len(again.Status.Videos) != 1 {
		t.Errorf("paid %d times, the task is %+v, videos %+v", w.paid(), again.Status.Task, again.Status.Videos)
	}
}

// It does so also when its record is late: KIE.AI has named that task itself.
func TestARestoredResourceWaitsForItsRecord(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:record=null-for=5m]"))
	w.pass(0)
	vg := w.get("video")
	if vg.Annotations[v1alpha1.AnnotationTaskID] == "" {
		t.Fatalf("the annotations are %v", vg.Annotations)
	}
	w.must(w.live.Delete(t.Context(), vg))
	w.must(w.live.Create(t.Context(), &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name, Annotations: vg.Annotations}, Spec: vg.Spec}))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
}

func TestAdoption(t *testing.T) {
	adopt := func(id string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) {
			metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationAdoptTaskID, id)
		}
	}
	t.Run("of a task that is bought elsewhere", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("first")
		w.pass(0)
		w.create("second", adopt(w.get("first").Status.Task.ID))
		w.run(time.Hour)
		w.wantReady("second", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if w.paid() != 1 {
			t.Errorf("%d tasks were paid for, want 1", w.paid())
		}
	})
	t.Run("of a task that does not exist, then of one that does", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("first")
		w.create("second", adopt("0123456789abcdef0123456789abcdef"))
		w.run(time.Hour)
		w.wantReady("second", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
		w.update("second", adopt(w.get("first").Status.Task.ID))
		w.run(time.Hour)
		w.wantReady("second", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if w.paid() != 1 {
			t.Errorf("%d tasks were paid for, want 1", w.paid())
		}
	})
	t.Run("of something that is no task id", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", adopt("two words"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonInvalidTaskID)
		if w.paid() != 0 {
			t.Errorf("%d tasks were paid for, want none", w.paid())
		}
	})
}

// Two managers that both believe to lead buy once.
func TestTwoManagersRace(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	for w.account().Status.ObservedGeneration != w.account().Generation {
		w.sync()
		_, err := w.proc.accounts.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(w.account())})
		w.must(err)
	}
	w.sync()
	managers := make([]*generation.Reconciler, 8)
	for i := range managers {
		w.restart()
		managers[i] = w.proc.videos
	}
	var group sync.WaitGroup
	for _, manager := range managers {
		group.Go(func() {
			if _, err := manager.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(w.get("video"))}); err != nil {
				t.Errorf("reconcile: %v", err)
			}
		})
	}
	group.Wait()
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if w.paid() != 1 {
		t.Errorf("%d tasks were paid for, want 1", w.paid())
	}
}

// A status that no operator would write never leads to a purchase, nor even to
// the question for one.
func TestAHandWrittenStatusBuysNothing(t *testing.T) {
	of := func(task v1alpha1.Task) v1alpha1.VideoGenerationStatus {
		return v1alpha1.VideoGenerationStatus{Task: &task}
	}
	with := func(status v1alpha1.VideoGenerationStatus, change func(*v1alpha1.VideoGenerationStatus)) v1alpha1.VideoGenerationStatus {
		change(&status)
		return status
	}
	running := of(v1alpha1.Task{Attempt: "x", Number: 1, State: v1alpha1.TaskRunning, ID: fixture.OtherTaskID})
	for name, status := range map[string]v1alpha1.VideoGenerationStatus{
		"running without an id": of(v1alpha1.Task{Attempt: "x", Number: 1, State: v1alpha1.TaskRunning}),
		"foreign id":            running,
		"submitting":            of(v1alpha1.Task{Attempt: "x", Number: 1, State: v1alpha1.TaskSubmitting}),
		"failed without cause":  of(v1alpha1.Task{Attempt: "x", Number: 7, State: v1alpha1.TaskFailed}),
		"succeeded with no id":  of(v1alpha1.Task{Attempt: "x", Number: 1, State: v1alpha1.TaskSucceeded}),
		"the highest number":    of(v1alpha1.Task{Attempt: "x", Number: math.MaxInt32, State: v1alpha1.TaskRunning, ID: fixture.OtherTaskID}),
		"failed long ago": of(v1alpha1.Task{Attempt: "x", Number: 1, State: v1alpha1.TaskFailed,
			Failure: &v1alpha1.TaskFailure{Reason: v1alpha1.ReasonContentRejected, Message: "no"}}),
		"an account that does not exist": with(running, func(s *v1alpha1.VideoGenerationStatus) { s.Account = fixture.Identity("NAMESPACE", "nobody") }),
		"an account that is no name":     with(running, func(s *v1alpha1.VideoGenerationStatus) { s.Account = fixture.Identity("NAMESPACE", "///") }),
		"a callback of another attempt": with(running, func(s *v1alpha1.VideoGenerationStatus) {
			s.Callback = &v1alpha1.CallbackReceipt{Attempt: "y", TaskID: fixture.OtherTaskID, ReceivedAt: metav1.NowMicro()}
		}),
		"an upgrade of nothing": with(running, func(s *v1alpha1.VideoGenerationStatus) {
			s.Upgrade = &v1alpha1.Upgrade{Resolution: v1alpha1.Resolution4K, Attempt: "z", SubmittedAt: metav1.Now(), State: v1alpha1.UpgradeRunning}
		}),
		"a full history of itself": with(running, func(s *v1alpha1.VideoGenerationStatus) {
			for range state.MaxHistory {
				s.History = append(s.History, v1alpha1.PastTask{Attempt: "x", Number: 1, SubmittedAt: metav1.Now()})
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			vg := w.create("video")
			before := vg.DeepCopy()
			vg.Status = *status.DeepCopy()
			vg.Status.Account.Namespace = strings.ReplaceAll(status.Account.Namespace, "NAMESPACE", w.namespace)
			vg.Status.Task.SubmittedAt = metav1.NewTime(w.clock.Now())
			w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
			w.run(3 * time.Hour)
			requests := w.sim.State().Requests
			if n := requests["generate"] + requests["extend"] + requests["get-4k-video"] + requests["get-1080p-video"]; n != 0 {
				t.Errorf("KIE.AI was asked %d times to make something, want never: %v", n, requests)
			}
			for _, problem := range fixture.LintStatus(w.get("video")) {
				t.Error(problem)
			}
		})
	}
}
