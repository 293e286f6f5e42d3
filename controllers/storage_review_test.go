// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// A video that was given up and comes after all is stored like any other.
func TestALateVideoIsStored(t *testing.T) {
	t.Run("by its callback", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video", prompt("[sim:latency=45m]"))
		w.run(40 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
		w.run(time.Hour)
		w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
	})
	t.Run("by more time", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video", prompt("[sim:latency=45m] [sim:callback=never]"))
		w.run(50 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: time.Hour} })
		w.run(time.Hour)
		w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
	})
}

// The longer it fails, the rarer the tries, whatever the storage consists of.
func TestTriesBecomeRarer(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.setStorage(&v1alpha1.Storage{URL: "s3://videos", Region: "eu-central-1", CredentialsSecretRef: &v1alpha1.SecretReference{Name: "missing"}})
	w.create("video")
	w.run(time.Hour)
	series, _ := fixture.Gathered(t, w.proc.registry)
	if tries := series["kie_storage_failures_total{backend=s3,reason=InvalidStorage}"]; tries < 10 || tries > 30 {
		t.Errorf("there are %g tries in an hour, want 10 to 30", tries)
	}
}

// What KIE.AI has deleted cannot be stored any more: to ask for it changes nothing.
func TestStorageComesTooLate(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.run(time.Hour)
	w.pass(state.VideoLifetime + 24*time.Hour)
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Storage = &v1alpha1.Storage{URL: "s3://videos", Region: "eu-central-1", CredentialsSecretRef: &v1alpha1.SecretReference{Name: "missing"}}
	})
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Storage != nil {
		t.Errorf("status.storage is %+v", vg.Status.Storage)
	}
}

// A video that is lost is lost; who does not want it stored any more is done with it.
func TestALostVideoCanBeLetGoOf(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	w.pass(state.VideoLifetime)
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonStorageFailed)
	w.written.regressions = nil // from here on, a user has a say
	w.setStorage(nil)
	w.pass(time.Minute)
	if vg := w.get("video"); vg.Status.Storage != nil {
		t.Errorf("status.storage is %+v", vg.Status.Storage)
	}
	w.written.regressions = nil
}

// Whoever says Retain waits for nothing, also where the storage is not known any more.
func TestRetainWaitsForNothing(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.create("video")
	w.run(time.Hour)
	w.setStorage(nil)
	w.setPolicy(v1alpha1.DeletionRetain)
	w.run(time.Minute)
	w.deleteWithin("video", time.Second)
	if files := w.filesStored(); len(files) != 1 {
		t.Errorf("stored are %q", files)
	}
	if slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, "StoredVideosLeft") }) {
		t.Errorf("there is a warning: %q", w.events)
	}
}

// deleteWithin deletes a resource, which is to be gone in some time.
func (w *world) deleteWithin(name string, most time.Duration) {
	w.t.Helper()
	began := w.clock.Now()
	w.must(w.live.Delete(w.t.Context(), w.get(name)))
	w.run(2 * time.Hour)
	if err := w.live.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, &v1alpha1.VideoGeneration{}); !apierrors.IsNotFound(err) {
		w.t.Errorf("%s is still there: %v", name, err)
	}
	if took := w.clock.Now().Sub(began); took > most {
		w.t.Errorf("it took %s", took)
	}
}

// What was stored with credentials that are gone is deleted with what they were,
// and they serve for nothing else.
func TestRememberedCredentials(t *testing.T) {
	w := newWorld(t, worldOptions{})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bucket"}, StringData: map[string]string{"accessKeyID": "a", "secretAccessKey": "b"}}
	w.must(w.live.Create(t.Context(), secret))
	places := w.proc.storage.Locations
	at := state.Location{
		Spec:      &v1alpha1.Storage{URL: "s3://videos", Region: "eu-central-1", CredentialsSecretRef: &v1alpha1.SecretReference{Name: "bucket"}},
		Namespace: w.namespace, Policy: v1alpha1.DeletionDelete,
	}
	elsewhere := at
	elsewhere.Spec = at.Spec.DeepCopy()
	elsewhere.Spec.Endpoint = "https://s3.example.com"
	opened, err := places.Open(t.Context(), "mine", at)
	w.must(err)
	w.must(opened.Close())
	w.must(w.live.Delete(t.Context(), secret))
	for reason, test := range map[string]struct {
		open func() (*bucket.Bucket, error)
		ok   bool
	}{
		"to store":            {func() (*bucket.Bucket, error) { return places.Open(t.Context(), "mine", at) }, false},
		"to delete":           {func() (*bucket.Bucket, error) { return places.OpenToDelete(t.Context(), "mine", at) }, true},
		"of another resource": {func() (*bucket.Bucket, error) { return places.OpenToDelete(t.Context(), "yours", at) }, false},
		"from another place":  {func() (*bucket.Bucket, error) { return places.OpenToDelete(t.Context(), "mine", elsewhere) }, false},
		"of a resource that is": {func() (*bucket.Bucket, error) {
			places.Forget("gone")
			return places.OpenToDelete(t.Context(), "gone", at)
		}, false},
	} {
		opened, err := test.open()
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", reason, err)
		}
		if err == nil {
			w.must(opened.Close())
		}
	}
}

// A video of the fallback model is not enlarged, and is stored.
func TestAFallbackVideoIsStored(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:fallback=used]"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.EnableFallback = ptr.To(true) })
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed), "720p.mp4")
}
