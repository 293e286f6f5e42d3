// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// The time for deleting the videos of a resource does not run while no operator
// is there to delete them.
func TestTheOperatorWasAwayAtTheDeletion(t *testing.T) {
	w := newWorld(t, worldOptions{})
	server, storage := w.inDisturbedS3()
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if stored := w.objects(server); len(stored) != 1 {
		t.Fatalf("stored are %q", stored)
	}
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.clock.SetTime(time.Now().Add(time.Hour)) // the time of the deletion is that of the API server
	w.restart()
	w.onRequest = func(_ int, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
	w.run(5 * time.Minute)
	if w.isGone("video") {
		t.Fatal("it was let go of after one try")
	}
	w.onRequest = nil
	w.run(5 * time.Minute)
	if left := w.objects(server); !w.isGone("video") || len(left) > 0 {
		t.Errorf("gone: %t, left: %q", w.isGone("video"), left)
	}
}

// Credentials that are gone together with their namespace are not waited for.
func TestTheNamespaceIsDeleted(t *testing.T) {
	w := newWorld(t, worldOptions{})
	_, storage := w.inDisturbedS3()
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
	w.run(time.Hour)
	w.restart() // and does not know the credentials any more
	w.must(w.live.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: storage.CredentialsSecretRef.Name}}))
	namespace := &corev1.Namespace{}
	w.must(w.live.Get(t.Context(), types.NamespacedName{Name: w.namespace}, namespace))
	w.must(w.live.Delete(t.Context(), namespace))
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.settle()
	w.run(time.Minute)
	if !w.isGone("video") {
		t.Error("it waits for credentials that nobody brings back")
	}
	if !slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning StoredVideosLeft") }) {
		t.Errorf("nobody says what is left: %q", w.events)
	}
}
