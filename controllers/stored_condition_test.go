// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/testenv"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// storedOf is the Stored condition in a word or two.
func storedOf(vg *v1alpha1.VideoGeneration) string {
	c := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionStored)
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%s/%s", c.Status, c.Reason)
}

// saidOfStored lists what Stored has said of a resource, one after the other. No
// version of it may say of a video that it is stored, or Ready, and is not.
func (w *world) saidOfStored(name string) (said []string) {
	w.t.Helper()
	for _, vg := range w.written.historyOf(w.get(name)) {
		now := storedOf(vg)
		if len(said) == 0 || said[len(said)-1] != now {
			said = append(said, now)
		}
		ready := meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionReady)
		stored := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionStored)
		switch {
		case vg.Status.Storage != nil && ready && len(state.Unstored(vg)) > 0:
			w.t.Errorf("version %s is Ready and not stored: %+v", vg.ResourceVersion, vg.Status)
		case stored != nil && stored.Status == metav1.ConditionTrue && len(state.Unstored(vg)) > 0:
			w.t.Errorf("version %s says that it is stored and it is not: %+v", vg.ResourceVersion, vg.Status)
		case stored != nil && stored.Status != metav1.ConditionTrue && ready:
			w.t.Errorf("version %s is Ready and waits to be stored: %+v", vg.ResourceVersion, vg.Status)
		}
	}
	return said
}

// What people and kubectl wait see of the storing, from the creation on.
func TestStoredThroughALife(t *testing.T) {
	const (
		onItsWay  = "Unknown/Storing"
		triedMore = "Unknown/StorageFailed"
		isStored  = "True/Stored"
		lost      = "False/StorageFailed"
	)
	for name, tt := range map[string]struct {
		storage *v1alpha1.Storage
		change  []func(*v1alpha1.VideoGeneration)
		// later is what happens an hour after the creation.
		later  func(w *world)
		status metav1.ConditionStatus
		reason string
		want   []string
	}{
		"720p": {storage: inFolder(""), status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, isStored}},
		"4k": {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){fixture.In(v1alpha1.Resolution4K)},
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, isStored, onItsWay, isStored}},
		"the upgrade fails": {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){fixture.In(v1alpha1.Resolution1080p), prompt("[sim:1080p-fail=500]")},
			status: metav1.ConditionFalse, reason: v1alpha1.ReasonUpgradeFailed, want: []string{"none", onItsWay, isStored}},
		"another try":  {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){maxAttempts(2), prompt("[sim:fail=501]")}, status: metav1.ConditionFalse, reason: v1alpha1.ReasonGenerationFailed, want: []string{"none", onItsWay, "none"}},
		"a failure":    {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){prompt("[sim:fail=400]")}, status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected, want: []string{"none", onItsWay, "none"}},
		"no storage":   {status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none"}},
		"is suspended": {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) }}, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonSuspended, want: []string{"none", onItsWay}},
		"the link is dead until KIE.AI has deleted it": {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){prompt("[sim:file=gone]")},
			later:  func(w *world) { w.pass(state.VideoLifetime) },
			status: metav1.ConditionFalse, reason: v1alpha1.ReasonStorageFailed, want: []string{"none", onItsWay, triedMore, lost}},
		"the place is never put right": {storage: &v1alpha1.Storage{URL: "file:///somewhere/else"},
			later:  func(w *world) { w.pass(state.VideoLifetime) },
			status: metav1.ConditionFalse, reason: v1alpha1.ReasonStorageFailed, want: []string{"none", onItsWay, triedMore, lost}},
		"the place is put right": {storage: &v1alpha1.Storage{URL: "file:///somewhere/else"},
			later:  func(w *world) { w.setStorage(inFolder("")) },
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, triedMore, isStored}},
		"the place is taken away": {storage: inFolder(""), change: []func(*v1alpha1.VideoGeneration){prompt("[sim:file=gone]")},
			later:  func(w *world) { w.setStorage(nil) },
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, triedMore, "none"}},
		"storage is asked for later": {
			later: func(w *world) {
				_, storage := w.inDisturbedS3()
				w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
			},
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, isStored}},
		"an edit that storing has nothing to do with": {storage: inFolder(""),
			later: func(w *world) {
				w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
			},
			status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, want: []string{"none", onItsWay, isStored}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{storage: tt.storage, paidMost: 2})
			w.create("video", tt.change...)
			w.run(time.Hour)
			if tt.later != nil {
				tt.later(w)
				w.run(2 * time.Hour)
			}
			w.wantReady("video", tt.status, tt.reason)
			if diff := cmp.Diff(tt.want, w.saidOfStored("video")); diff != "" {
				t.Errorf("what Stored has said (-want +got):\n%s", diff)
			}
		})
	}
}

// One of two videos that cannot be stored is enough not to be stored.
func TestOneOfTwoVideosIsNotStored(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:file=gone]"))
	w.run(2 * time.Hour)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	if len(vg.Status.Videos) != 2 || len(state.Unstored(vg)) != 1 || storedOf(vg) != "Unknown/StorageFailed" {
		t.Errorf("Stored is %s, the videos are %+v", storedOf(vg), vg.Status.Videos)
	}
	w.saidOfStored("video")
}

// The storing says what it has done in one write, and leaves Ready to the other
// reconciler, whom that write wakes.
func TestStoringLeavesReadyToTheOther(t *testing.T) {
	for name, tt := range map[string]struct {
		markers string
		stored  string
		status  metav1.ConditionStatus
		reason  string
	}{
		"it is stored":        {"", "True/Stored", metav1.ConditionTrue, v1alpha1.ReasonSucceeded},
		"it cannot be stored": {"[sim:file=gone]", "Unknown/StorageFailed", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, "")
			w.create("video", prompt(tt.markers))
			key := w.upToStoring()
			others := func() []metav1.Condition {
				return slices.DeleteFunc(w.get("video").Status.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionStored })
			}
			before, writes := others(), w.faults.writes.Load()
			w.keep(key)
			if diff := cmp.Diff(before, others()); diff != "" {
				t.Errorf("the other conditions (-before +after):\n%s", diff)
			}
			if got := storedOf(w.get("video")); got != tt.stored {
				t.Errorf("Stored is %s, want %s", got, tt.stored)
			}
			w.settle()
			w.wantReady("video", tt.status, tt.reason)
			if more := w.faults.writes.Load() - writes; more != 2 {
				t.Errorf("there were %d writes, want one of each reconciler", more)
			}
		})
	}
}

// A write of the storing that meets another one takes nothing of it away.
func TestStoringOverwritesNothing(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	key := w.upToStoring()
	w.whileStoring(func(number int) {
		if number > 1 {
			return
		}
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.seen(key)
	})
	w.keep(key)
	vg := w.get("video")
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	if vg.Status.ObservedGeneration != 2 || ready.ObservedGeneration != 2 || storedOf(vg) != "True/Stored" {
		t.Errorf("Stored is %s, Ready %+v", storedOf(vg), ready)
	}
	w.settle()
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// What the API server is written to for a life with storage: one write of the
// storing and one of the Ready that follows it, beside those of a life without.
func TestTheWritesOfAStoredLife(t *testing.T) {
	for name, tt := range map[string]struct {
		resolution v1alpha1.Resolution
		policy     v1alpha1.DeletionPolicy
		want       int64
	}{
		"720p":                {v1alpha1.Resolution720p, v1alpha1.DeletionRetain, 7},
		"720p, to be deleted": {v1alpha1.Resolution720p, v1alpha1.DeletionDelete, 8},
		"4k":                  {v1alpha1.Resolution4K, v1alpha1.DeletionRetain, 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, tt.policy)
			w.create("video", fixture.In(tt.resolution))
			w.run(3 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if got := w.faults.writes.Load(); got != tt.want {
				t.Errorf("there were %d writes, want %d: %v", got, tt.want, w.faults.targets(0))
			}
		})
	}
}

// warnings counts the Warnings with a reason and a text.
func (w *world) warnings(reason, text string) (count int) {
	for _, e := range w.events {
		if strings.HasPrefix(e, "Warning "+reason+" ") && strings.Contains(e, text) {
			count++
		}
	}
	return count
}

// Each new reason for which a video is not stored has its Event, once.
func TestEachFailureOfStoringIsTold(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	w.setStorage(&v1alpha1.Storage{URL: "file:///somewhere/else"})
	w.run(time.Hour)
	w.wantFailure(w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed), transfer.InvalidStorage)
	w.pass(state.VideoLifetime)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonStorageFailed)
	for text, want := range map[string]int{"tried again: the link to the video is dead": 1, "tried again: ": 2, "as long as KIE.AI kept it": 1} {
		if got := w.warnings(v1alpha1.ReasonStorageFailed, text); got != want {
			t.Errorf("%d Warnings speak of %q, want %d: %q", got, text, want, w.events)
		}
	}
}

// While the larger version is on its way, Ready says nothing of the storing. The
// Event and Stored do.
func TestAFailureOfStoringIsToldDuringAnUpgrade(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:file=gone] [sim:1080p-latency=3h]"), func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Timeout = &metav1.Duration{Duration: 6 * time.Hour}
	})
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUpgrading); storedOf(vg) != "Unknown/StorageFailed" {
		t.Errorf("Stored is %s", storedOf(vg))
	}
	if got := w.warnings(v1alpha1.ReasonStorageFailed, "the link to the video is dead"); got != 1 {
		t.Errorf("%d Warnings, want 1: %q", got, w.events)
	}
}

// Who is to be deleted at once when it is stored says before that it has succeeded.
func TestAStoredEndIsToldBeforeItIsDeleted(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", livesFor(0))
	w.run(time.Hour)
	if !w.isGone("video") {
		t.Fatal("the resource is still there")
	}
	w.wantEvent("Normal "+v1alpha1.ReasonSucceeded, "stored")
}

// Tools that follow kstatus see a resource in progress as long as something of it
// is to be stored.
func TestKstatusOfStoring(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	key := w.upToStoring()
	w.wantKstatus("VideoGeneration", "video", status.InProgressStatus)
	w.keep(key)
	w.wantKstatus("VideoGeneration", "video", status.InProgressStatus)
	w.settle()
	w.wantKstatus("VideoGeneration", "video", status.CurrentStatus)
}

// kubectlWaits reports whether kubectl wait --for=condition=Stored is done at once.
func (w *world) kubectlWaits(kubeconfig string) bool {
	w.t.Helper()
	_, err := testenv.Kubectl(w.t.Context(), kubeconfig, nil, "wait", "--for=condition=Stored", "vg/video", "--namespace", w.namespace, "--timeout=0")
	if err != nil && !strings.Contains(err.Error(), "condition not met") {
		w.t.Errorf("kubectl: %v", err)
	}
	return err != nil
}

// kubectl wait --for=condition=Stored, as docs/storage.md has it, returns when all
// videos are stored and not before.
func TestKubectlWaitsForStored(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	config, err := controlPlane.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := testenv.WriteKubeconfig(kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	t.Run("before and after an upgrade", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:4k-latency=10m]"))
		var waits []string
		w.whileStoring(func(int) {
			waits = append(waits, fmt.Sprintf("%d videos: %t", len(w.get("video").Status.Videos), w.kubectlWaits(kubeconfig)))
		})
		w.run(5 * time.Minute)
		if w.kubectlWaits(kubeconfig) {
			t.Error("it waits though the first video is stored")
		}
		w.run(time.Hour)
		if w.kubectlWaits(kubeconfig) {
			t.Error("it waits though all videos are stored")
		}
		if diff := cmp.Diff([]string{"1 videos: true", "2 videos: true"}, slices.Compact(waits)); diff != "" {
			t.Errorf("what it does while a video is stored (-want +got):\n%s", diff)
		}
	})
	t.Run("when the spec is edited", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video")
		w.run(time.Hour)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Priority = ptr.To[int32](7) })
		if !w.kubectlWaits(kubeconfig) {
			t.Error("it does not wait for the operator to see the edit")
		}
		w.settle()
		if w.kubectlWaits(kubeconfig) {
			t.Error("it waits though the video is stored")
		}
	})
	t.Run("when storage is asked for later", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.run(time.Hour)
		if !w.kubectlWaits(kubeconfig) {
			t.Error("it does not wait though nothing is stored")
		}
		_, storage := w.inDisturbedS3()
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
		w.reconcile(types.NamespacedName{Namespace: w.namespace, Name: "video"})
		if !w.kubectlWaits(kubeconfig) {
			t.Error("it does not wait for the storing")
		}
		w.run(time.Hour)
		if w.kubectlWaits(kubeconfig) {
			t.Error("it waits though the video is stored")
		}
	})
}
