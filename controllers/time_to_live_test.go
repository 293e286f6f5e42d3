// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

func livesFor(seconds int32) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Spec.TTLSecondsAfterFinished = ptr.To(seconds) }
}

func (w *world) isGone(name string) bool {
	w.t.Helper()
	err := w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: name}, &v1alpha1.VideoGeneration{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
	return err != nil
}

// deletingClient remembers the error of the last deletion.
type deletingClient struct {
	client.Client
	err error
}

// Delete deletes, and notes the error.
func (c *deletingClient) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	c.err = c.Client.Delete(ctx, obj, opts...)
	return c.err
}

// A finished resource is deleted when its time is over, and not before.
func TestTimeToLive(t *testing.T) {
	for name, tt := range map[string]struct {
		markers string
		change  func(*v1alpha1.VideoGeneration)
		stays   bool
	}{
		"succeeded":                           {},
		"failed":                              {markers: "[sim:fail=400]"},
		"refused at once":                     {markers: "[sim:submit=422]"},
		"upgraded":                            {change: fixture.In(v1alpha1.Resolution4K)},
		"retried":                             {markers: "[sim:fail=501]", change: maxAttempts(2)},
		"timed out, and may still be running": {markers: "[sim:never-finish]", stays: true},
		"purchase unsure":                     {markers: "[sim:accept-then=drop] [sim:callback=never]", stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2})
			change := tt.change
			if change == nil {
				change = func(*v1alpha1.VideoGeneration) {}
			}
			w.create("video", livesFor(3600), prompt(tt.markers), change)
			w.run(59 * time.Minute)
			if w.isGone("video") {
				t.Fatal("the resource has gone before its time")
			}
			w.run(5 * time.Hour)
			if gone := w.isGone("video"); gone == tt.stays {
				t.Errorf("the resource is gone: %v, want %v", gone, !tt.stays)
			}
		})
	}
	t.Run("what may still be running goes when KIE.AI has forgotten it", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", livesFor(0), prompt("[sim:never-finish]"))
		w.run(13 * 24 * time.Hour)
		id := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut).Status.Task.ID
		w.run(15 * 24 * time.Hour)
		if !w.isGone("video") {
			t.Error("the resource is still there")
		}
		w.wantEvent("Normal TimeToLiveOver", id)
	})
	t.Run("at once", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", livesFor(0))
		w.run(time.Hour)
		if !w.isGone("video") {
			t.Error("the resource is still there")
		}
		w.wantPaid(1)
	})
	t.Run("while another one has to continue it", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source", livesFor(0))
		w.create("video", fixture.Extending("source"), withAccount("default"))
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if !w.isGone("source") {
			t.Error("the source is still there")
		}
	})
	t.Run("changed in the moment of its deletion", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", livesFor(60))
		w.run(75 * time.Second)
		stale := w.get("video")
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.TTLSecondsAfterFinished = nil })
		w.clock.SetTime(w.clock.Now().Add(time.Hour))
		deleting := &deletingClient{Client: staleClient{Client: w.proc.videos.Client, was: stale}}
		w.proc.videos.Client = deleting
		_, err := w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(stale)})
		if err != nil || !apierrors.IsConflict(deleting.err) || w.isGone("video") {
			t.Errorf("the deletion from a stale view ends with %v, the look with %v, gone: %v", deleting.err, err, w.isGone("video"))
		}
	})
	t.Run("under a GitOps tool", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", livesFor(60), func(vg *v1alpha1.VideoGeneration) {
			vg.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "films"}
		})
		w.run(time.Second)
		warned := func(e string) bool {
			return strings.HasPrefix(e, "Warning WillBeBoughtAgain") && strings.Contains(e, "Flux")
		}
		if !slices.ContainsFunc(w.events, warned) {
			t.Errorf("nobody was warned when it was bought: %v", w.events)
		}
		w.run(time.Hour)
		if !w.isGone("video") {
			t.Error("the resource is still there")
		}
	})
}
