// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

// gsStore is a bucket of a server that behaves like Google Cloud Storage.
type gsStore struct {
	server *fakestorage.Server
	url    string
}

func newGSStore(t testing.TB) gsStore {
	t.Helper()
	// The server has to know its address, which is known when it listens.
	var handler http.Handler
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "token", "token_type": "Bearer", "expires_in": 3600}`)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	})
	listener := httptest.NewServer(mux)
	t.Cleanup(listener.Close)
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, Scheme: "http", ExternalURL: listener.URL, PublicHost: listener.Listener.Addr().String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	handler = server.HTTPHandler()
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: testBucket})
	return gsStore{server: server, url: listener.URL}
}

func (s gsStore) place() Place {
	return Place{URL: "gs://" + testBucket, Endpoint: s.url, Secret: gsSecret("service_account", s.url+"/token"), Trusted: true}
}

// testKey is made once, because that takes a while.
var testKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// gsSecret is a Secret with credentials of some type, with tokens from a URL.
func gsSecret(kind, tokenURL string) map[string][]byte {
	key, err := json.Marshal(map[string]string{
		"type": kind, "client_email": "kie@example.iam.gserviceaccount.com", "private_key": testKey(), "token_uri": tokenURL,
	})
	if err != nil {
		panic(err)
	}
	return map[string][]byte{"serviceAccountKey": key}
}

func (s gsStore) all(t testing.TB) []string {
	t.Helper()
	objects, err := s.server.ListObjectsWithOptionsPaginated(testBucket, fakestorage.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, object := range objects.Objects {
		names = append(names, object.Name)
	}
	return names
}

func (s gsStore) read(t testing.TB, key string) ([]byte, string, map[string]string) {
	t.Helper()
	object, err := s.server.GetObject(testBucket, key)
	if err != nil {
		t.Fatal(err)
	}
	return object.Content, object.ContentType, object.Metadata
}

func TestGSFailures(t *testing.T) {
	store := newGSStore(t)
	elsewhere := store.place()
	elsewhere.URL = "gs://nothing"
	noToken := store.place()
	noToken.Secret = gsSecret("service_account", store.url+"/nothing")
	for _, tc := range []struct {
		reason string
		place  Place
		want   transfer.Class
	}{
		{"no such bucket", elsewhere, transfer.BucketNotFound},
		{"no token for the key", noToken, transfer.AccessDenied},
	} {
		b := openBucket(t, store, tc.place)
		for _, size := range []int{1000, 12_000_000} {
			_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, size)))
			if class := classOf(t, err); class != tc.want {
				t.Errorf("%s, %d bytes: got %s, want %s: %v", tc.reason, size, class, tc.want, err)
			}
		}
	}
}

// A retention rule lets nobody write an object again, so it stays without its hash.
func TestGSBucketInWhichNothingIsWrittenAgain(t *testing.T) {
	store := newGSStore(t)
	target, err := url.Parse(store.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	refused := atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("uploadType") && len(store.all(t)) > 0 {
			refused.Add(1)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"error": {"code": 403, "message": "no", "errors": [{"reason": "retentionPolicyNotMet", "message": "no"}]}}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	place := store.place()
	place.Endpoint = server.URL
	b := openBucket(t, store, place)
	checkStored(t, store, b, videoBytes)
	checkFound(t, b, false)
	if refused.Load() == 0 {
		t.Error("nothing was refused")
	}
	other := testVideo
	other.TaskID = "another"
	_, err = b.Put(t.Context(), other, bytes.NewReader(random(2, 1000)))
	if class := classOf(t, err); class != transfer.AccessDenied || !strings.Contains(err.Error(), "(HTTP 403 retentionPolicyNotMet)") {
		t.Errorf("another video: got %s, %v", class, err)
	}
}
