// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// secret changes the data of the account's Secret, or deletes the Secret if
// change returns nil.
func (w *world) secret(change func(data map[string][]byte) map[string][]byte) {
	w.t.Helper()
	secret := &corev1.Secret{}
	w.must(w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: "kie-credentials"}, secret))
	if secret.Data = change(secret.Data); secret.Data == nil {
		w.must(w.live.Delete(w.t.Context(), secret))
		return
	}
	w.must(w.live.Update(w.t.Context(), secret))
}

func (w *world) createSecret(data map[string]string) {
	w.t.Helper()
	w.must(w.live.Create(w.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"}, StringData: data,
	}))
}

// Every key is replaced while videos are made, without a restart. Nothing is
// bought twice and nothing is lost.
func TestKeysAreRotated(t *testing.T) {
	t.Run("API key", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("before")
		w.pass(0)
		w.sim.SetAPIKey("another")
		w.setAPIKey("another")
		w.create("after")
		w.run(time.Hour)
		for _, name := range []string{"before", "after"} {
			w.wantReady(name, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		}
		w.wantPaid(2)
	})
	t.Run("webhook key", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.pass(0)
		// The new key is in the Secret before KIE.AI signs with it, and the old one is still there: KIE.AI, which
		// signs with the old one, is believed.
		w.secret(func(data map[string][]byte) map[string][]byte {
			data[v1alpha1.SecretKeyWebhookHMACKeyPrevious] = data[v1alpha1.SecretKeyWebhookHMACKey]
			data[v1alpha1.SecretKeyWebhookHMACKey] = []byte("the-next-key")
			return data
		})
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if vg.Status.Callback == nil {
			t.Error("the callback that was signed with the previous key was not accepted")
		}
	})
}

// Whatever is wrong with the Secret is said on the account and on what waits,
// and when it is put right everything goes on by itself. What is bought already
// is not lost meanwhile.
func TestTheSecretIsInTrouble(t *testing.T) {
	good := map[string]string{v1alpha1.SecretKeyAPIKey: fixture.APIKey, v1alpha1.SecretKeyWebhookHMACKey: fixture.HMACKey}
	for name, tt := range map[string]struct {
		spoil  func(w *world)
		reason string
	}{
		"deleted": {func(w *world) { w.secret(func(map[string][]byte) map[string][]byte { return nil }) }, credentials.SecretNotFound},
		"without an API key": {func(w *world) {
			w.secret(func(data map[string][]byte) map[string][]byte { delete(data, v1alpha1.SecretKeyAPIKey); return data })
		}, credentials.SecretInvalid},
		"with a line break in the API key": {func(w *world) { w.setAPIKey("two\nlines") }, credentials.SecretInvalid},
		"with an empty webhook key": {func(w *world) {
			w.secret(func(data map[string][]byte) map[string][]byte {
				data[v1alpha1.SecretKeyWebhookHMACKey] = nil
				return data
			})
		}, credentials.SecretInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{sim: kiesim.Options{Latency: 5 * time.Minute, CallbackRetries: -1}})
			w.create("in-flight")
			w.pass(0)
			tt.spoil(w)
			w.pass(time.Minute)
			w.create("waiting")
			w.run(20 * time.Minute)
			w.wantAccount(metav1.ConditionFalse, tt.reason)
			w.wantReady("waiting", metav1.ConditionUnknown, tt.reason)
			w.wantReady("in-flight", metav1.ConditionUnknown, tt.reason)
			w.wantPaid(1)
			w.must(client.IgnoreNotFound(w.live.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"}})))
			w.createSecret(good)
			w.run(2 * time.Hour)
			w.wantAccount(metav1.ConditionTrue, v1alpha1.ReasonAvailable)
			w.wantReady("in-flight", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantReady("waiting", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(2)
		})
	}
}

// Nobody can say whether callbacks are signed before the Secret was read once.
func TestCallbacksOfAnAccountWithoutASecret(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.secret(func(map[string][]byte) map[string][]byte { return nil })
	w.pass(0)
	for _, c := range w.account().Status.Conditions {
		if c.Type == v1alpha1.ConditionCallbacksEnabled && (c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonKeysUnknown) {
			t.Errorf("CallbacksEnabled is %s/%s, want Unknown/%s", c.Status, c.Reason, v1alpha1.ReasonKeysUnknown)
		}
	}
}
