// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

// staleClient shows one VideoGeneration as it was.
type staleClient struct {
	client.Client
	was *v1alpha1.VideoGeneration
}

// Get reads from the past.
func (c staleClient) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if vg, ok := obj.(*v1alpha1.VideoGeneration); ok {
		c.was.DeepCopyInto(vg)
		return nil
	}
	return c.Client.Get(ctx, key, obj, opts...)
}

// The id of a second purchase is in memory only while the cache still shows the
// first one: what is paid for is not forgotten on the word of an old view.
func TestAStaleViewDoesNotForgetAPurchase(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2, noCallbacks: true})
	w.sim.SetFaults(kiesim.Faults{Fail: 501})
	w.create("video", maxAttempts(2))
	w.run(100 * time.Second)
	first := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
	w.sim.SetFaults(kiesim.Faults{})
	w.clock.SetTime(state.RetryAt(first.Status.Task))
	w.downFrom(int(w.faults.writes.Load()) + 2)
	w.round()
	w.wantPaid(2)

	fresh := w.proc.videos.Client
	w.proc.videos.Client = staleClient{fresh, first}
	if _, err := w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(first)}); err != nil {
		t.Fatal(err)
	}
	w.proc.videos.Client = fresh
	w.mend()
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}

// The id of a purchase is in memory only when its resource is replaced by another
// one of the same name: it does not go to the stranger, who buys a video of its own.
func TestAnotherResourceOfTheNameBuysItsOwn(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	first := w.create("video")
	w.downFrom(2)
	w.round()
	w.wantPaid(1)
	if id := w.get("video").Status.Task.ID; id != "" {
		t.Fatalf("the task id %s was written", id)
	}
	w.must(w.live.Delete(t.Context(), first))
	w.mend()
	w.create("video")
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	tasks := w.sim.State().Tasks
	if len(tasks) != 2 || vg.Status.Task.ID != tasks[1].ID {
		t.Errorf("the resource has task %s of %+v, want the one that was bought for it", vg.Status.Task.ID, tasks)
	}
}
