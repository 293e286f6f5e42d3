// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/state"
)

// What a storage says of encryption reaches its server, and a storage that says
// something else is another place, which is tried at once.
func TestAPlaceAsksForItsEncryption(t *testing.T) {
	const kms, key = "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	var asked http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			asked = r.Header
		}
	}))
	t.Cleanup(server.Close)
	places := &storage.Locations{Storage: bucket.NewStorage(bucket.StorageOptions{AllowPrivate: true})}
	t.Cleanup(places.Storage.CloseIdleConnections)
	secret := map[string][]byte{v1alpha1.SecretKeyAccessKeyID: []byte("id"), v1alpha1.SecretKeySecretAccessKey: []byte("key")}
	seen := map[string]bool{}
	for _, encryption := range []*v1alpha1.ServerSideEncryption{
		nil,
		{Algorithm: v1alpha1.EncryptionAES256},
		{Algorithm: v1alpha1.EncryptionKMS},
		{Algorithm: v1alpha1.EncryptionKMS, KMSKeyID: "alias/films"},
	} {
		at := state.Location{Spec: &v1alpha1.Storage{URL: "s3://films", Endpoint: server.URL, ServerSideEncryption: encryption}}
		opened, err := places.OpenWith(t.Context(), at, secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opened.Put(t.Context(), bucket.Video{Key: "720p.mp4"}, strings.NewReader("video")); err != nil {
			t.Fatal(err)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		want := state.EncryptionOf(at.Spec)
		if got := asked.Get(kms); got != string(want.Algorithm) {
			t.Errorf("%+v: the encryption is %q", want, got)
		}
		if got := asked.Get(key); got != want.KMSKeyID {
			t.Errorf("%+v: the key is %q", want, got)
		}
		if seen[at.Identity()] {
			t.Errorf("%+v is the place of another encryption", want)
		}
		seen[at.Identity()] = true
	}
}
