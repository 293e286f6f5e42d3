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
