// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

func small(vg *v1alpha1.VideoGeneration) {
	vg.Status.Videos = []v1alpha1.Video{{Resolution: "720p"}}
}

func TestPriorityOf(t *testing.T) {
	for name, tt := range map[string]struct {
		vg   *v1alpha1.VideoGeneration
		want int
	}{
		"to be bought":       {video("a"), otherPriority},
		"lost":               {video("a", with(task(v1alpha1.TaskSubmitting, ""))), paidPriority},
		"running":            {video("a", with(task(v1alpha1.TaskRunning, testTaskID))), paidPriority},
		"succeeded":          {video("a", with(task(v1alpha1.TaskSucceeded, testTaskID))), otherPriority},
		"to be bought again": {video("a", with(task(v1alpha1.TaskSubmitting, "")), resubmit), otherPriority},
		"to be enlarged":     {video("a", with(task(v1alpha1.TaskSucceeded, testTaskID)), in(v1alpha1.Resolution4K), small), paidPriority},
	} {
		if got := priorityOf(tt.vg); got != tt.want {
			t.Errorf("%s: the priority is %d, want %d", name, got, tt.want)
		}
	}
}

// A process that begins to lead finds a video that is being made. While there
// are always new ones to buy, that one has its turn all the same.
func TestWhatIsPaidForComesFirst(t *testing.T) {
	queue := priorityqueue.New[ctrl.Request]("paid-first")
	t.Cleanup(queue.ShutDown)
	found := video("paid", with(task(v1alpha1.TaskRunning, testTaskID)))
	for _, handle := range []handler.EventHandler{&handler.EnqueueRequestForObject{}, paidFirst()} {
		for _, name := range []string{"new-1", "new-2", "new-3"} {
			handle.Create(t.Context(), event.CreateEvent{Object: video(name)}, queue)
		}
		handle.Create(t.Context(), event.CreateEvent{Object: found, IsInInitialList: true}, queue)
	}
	if first, _, _ := queue.GetWithPriority(); first.NamespacedName != client.ObjectKeyFromObject(found) {
		t.Errorf("%s is looked at before what is paid for", first)
	}
}

// It stays first when it is looked at again.
func TestALookKeepsItsPriority(t *testing.T) {
	w := newWorld(t, worldOptions{})
	vg := w.create("video")
	w.pass(0)
	w.sync()
	result, err := w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
	if err != nil || result.Priority == nil || *result.Priority != 10 || result.RequeueAfter <= 0 {
		t.Errorf("the look at a running task ends with %+v, %v", result, err)
	}
	w.run(time.Hour)
	w.sync()
	result, err = w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
	if err != nil || result.Priority == nil || *result.Priority != 0 {
		t.Errorf("the look at a finished task ends with %+v, %v", result, err)
	}
}
