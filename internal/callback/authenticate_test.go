// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
)

const newKey = "canary-new-key"

func TestKeyRotation(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	submit := func(name string) *v1alpha1.VideoGeneration {
		vg := w.submit(t, name, nil)
		r.sees(t, w, vg)
		return vg
	}
	before, early, during, late, after := submit("before"), submit("early"), submit("during"), submit("late"), submit("after")
	by := func(key string, vg *v1alpha1.VideoGeneration) string {
		return call(vg).withHeaders(signed(key, paidTask, w.clock.Now())...).String()
	}

	r.expect(t, by(hmacKey, before), accepted)
	r.expect(t, by(newKey, early), badSignature) // and the Secret is not read again within the second

	w.setSecret(t, map[string]string{
		v1alpha1.SecretKeyAPIKey:                 "canary-api-key",
		v1alpha1.SecretKeyWebhookHMACKey:         newKey,
		v1alpha1.SecretKeyWebhookHMACKeyPrevious: hmacKey,
	})
	r.expect(t, by(newKey, early), badSignature) // still within the second
	w.clock.SetTime(w.clock.Now().Add(time.Second))
	r.expect(t, by(newKey, early), accepted) // by the keys that were read because of it
	r.expect(t, by(hmacKey, during), accepted)

	w.setSecret(t, map[string]string{
		v1alpha1.SecretKeyAPIKey:         "canary-api-key",
		v1alpha1.SecretKeyWebhookHMACKey: newKey,
	})
	r.expect(t, by(hmacKey, late), accepted) // the old key is in memory for at most 30 seconds
	w.clock.SetTime(w.clock.Now().Add(30 * time.Second))
	r.expect(t, by(hmacKey, after), badSignature)
	r.expect(t, by(newKey, after), accepted)
	w.log.keepsSecret(t, "canary")
}

func TestUnsignedCallbacks(t *testing.T) {
	w := newWorld(t)
	w.setSecret(t, map[string]string{v1alpha1.SecretKeyAPIKey: "canary-api-key"})
	r := w.newReplica(t, nil)
	vg, other := w.submit(t, "lighthouse", nil), w.submit(t, "harbour", nil)
	r.sees(t, w, vg)
	r.sees(t, w, other)

	r.expect(t, call(vg).withHeaders().at(attempts.PathPrefix+attempts.New()).String(), unknownToken)
	r.expect(t, call(vg).withHeaders().withBody(bodyFor("2c77")).String(), differentTask)
	r.expect(t, call(vg).withHeaders().String(), accepted)

	w.setSecret(t, map[string]string{v1alpha1.SecretKeyAPIKey: "canary-api-key", v1alpha1.SecretKeyWebhookHMACKey: hmacKey})
	w.clock.SetTime(now.Add(30 * time.Second))
	r.expect(t, call(other).withHeaders().String(), badSignature)
	r.expect(t, call(other).String(), accepted)
}

// What the operator cannot check it does not refuse for good: KIE.AI calls
// again, and by then the user may have put it right.
func TestNothingToCheckWith(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	for name, account := range map[string]v1alpha1.AccountIdentity{
		"no-account":         {},
		"an-account-of-none": {Namespace: w.namespace, Name: "none", UID: "account-uid"},
	} {
		vg := w.submit(t, name, func(s *v1alpha1.VideoGenerationStatus) { s.Account = account })
		r.sees(t, w, vg)
		r.expect(t, call(vg).String(), noAccount)
	}
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)

	w.setSecret(t, map[string]string{v1alpha1.SecretKeyAPIKey: "canary-api-key", v1alpha1.SecretKeyWebhookHMACKey: ""})
	r.expect(t, call(vg).String(), noCredentials)
	r.expect(t, call(vg).withHeaders().String(), noCredentials)

	if err := w.client.Delete(t.Context(), w.secret); err != nil {
		t.Fatal(err)
	}
	w.clock.SetTime(now.Add(time.Second))
	r.expect(t, call(vg).String(), noCredentials)
	if r.tried.Load() != 0 {
		t.Errorf("%d writes were begun", r.tried.Load())
	}
	w.log.keepsSecret(t, "canary")
}

// The key may be new, and the Secret cannot be read: nobody knows whether the
// signature is good or bad.
func TestAPIServerIsAwayWhenKeysAreReadAgain(t *testing.T) {
	w := newWorld(t)
	var gets atomic.Int32
	secrets := interceptor.NewClient(w.client, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, name client.ObjectKey, object client.Object, opts ...client.GetOption) error {
			if gets.Add(1) > 1 {
				return apierrors.NewServiceUnavailable("canary")
			}
			return c.Get(ctx, name, object, opts...)
		},
	})
	r := w.newReplica(t, func(r *replica) { r.handler.credentials = credentials.NewStore(secrets, w.clock) })
	vg, other := w.submit(t, "lighthouse", nil), w.submit(t, "harbour", nil)
	r.sees(t, w, vg)
	r.sees(t, w, other)

	r.expect(t, call(vg).String(), accepted)
	w.clock.SetTime(now.Add(time.Second))
	r.expect(t, call(other).withHeaders(signed(newKey, paidTask, now)...).String(), noCredentials)
	r.expect(t, call(other).String(), accepted) // the key in memory is still good
	w.log.keepsSecret(t, "canary")
}

func TestIsGenuine(t *testing.T) {
	at := func(timestamp string) http.Header {
		header := http.Header{}
		header.Set(kie.HeaderTimestamp, timestamp)
		header.Set(kie.HeaderSignature, kie.Sign(hmacKey, paidTask, timestamp))
		return header
	}
	for _, tc := range []struct {
		reason string
		keys   []string
		header http.Header
		want   bool
	}{
		{"now", []string{hmacKey}, at("1769670760"), true},
		{"the previous key", []string{newKey, hmacKey}, at("1769670760"), true},
		{"five minutes ago", []string{hmacKey}, at("1769670460"), true},
		{"five minutes and a second ago", []string{hmacKey}, at("1769670459"), false},
		{"in five minutes", []string{hmacKey}, at("1769671060"), true},
		{"in five minutes and a second", []string{hmacKey}, at("1769671061"), false},
		{"the beginning of time", []string{hmacKey}, at("0"), false},
		{"the end of time", []string{hmacKey}, at("9223372036854775807"), false},
		{"another key", []string{newKey}, at("1769670760"), false},
		{"no headers", []string{hmacKey}, http.Header{}, false},
		{"no headers and no keys", nil, http.Header{}, true},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if got := isGenuine(tc.keys, paidTask, tc.header, now); got != tc.want {
				t.Errorf("isGenuine() = %v, want %v", got, tc.want)
			}
		})
	}
}
