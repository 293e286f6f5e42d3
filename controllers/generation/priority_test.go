// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

func small(vg *v1alpha1.VideoGeneration) {
	vg.Status.Videos = []v1alpha1.Video{{Resolution: "720p"}}
}

func TestPriorityOf(t *testing.T) {
	for name, tt := range map[string]struct {
		vg   *v1alpha1.VideoGeneration
		want int
	}{
		"to be bought":       {fixture.Video("a"), otherPriority},
		"lost":               {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, ""))), paidPriority},
		"running":            {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID))), paidPriority},
		"succeeded":          {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID))), otherPriority},
		"to be bought again": {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSubmitting, "")), fixture.Resubmit), otherPriority},
		"to be enlarged":     {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)), fixture.In(v1alpha1.Resolution4K), small), paidPriority},
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
	found := fixture.Video("paid", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)))
	for _, handle := range []handler.EventHandler{&handler.EnqueueRequestForObject{}, paidFirst()} {
		for _, name := range []string{"new-1", "new-2", "new-3"} {
			handle.Create(t.Context(), event.CreateEvent{Object: fixture.Video(name)}, queue)
		}
		handle.Create(t.Context(), event.CreateEvent{Object: found, IsInInitialList: true}, queue)
	}
	if first, _, _ := queue.GetWithPriority(); first.NamespacedName != client.ObjectKeyFromObject(found) {
		t.Errorf("%s is looked at before what is paid for", first)
	}
}
