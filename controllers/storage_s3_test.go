// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// s3Server is a real S3 server for the tests of this package, started by the
// first that needs it. TestMain calls stopS3.
var s3Server = sync.OnceValues(func() (*testenv.S3, error) {
	server, err := testenv.StartS3(s3Folder)
	if err == nil {
		stopS3 = server.Stop
	}
	return server, err
})

var stopS3 = func() {}

// inS3 is storage in a bucket of its own name, with the credentials in a Secret.
func (w *world) inS3(policy v1alpha1.DeletionPolicy) (*testenv.S3, *v1alpha1.Storage) {
	w.t.Helper()
	server, err := s3Server()
	w.must(err)
	return server, &v1alpha1.Storage{
		URL: "s3://" + w.namespace, Endpoint: server.Endpoint, Prefix: "films",
		CredentialsSecretRef: &v1alpha1.SecretReference{Name: "bucket"}, DeletionPolicy: policy,
	}
}

// setKey writes the Secret with the credentials of the bucket.
func (w *world) setKey(server *testenv.S3, key string) {
	w.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bucket"},
		StringData: map[string]string{v1alpha1.SecretKeyAccessKeyID: server.AccessKeyID, v1alpha1.SecretKeySecretAccessKey: key},
	}
	w.must(client.IgnoreAlreadyExists(w.live.Create(w.t.Context(), secret)))
	w.must(w.live.Update(w.t.Context(), secret))
}

// inDisturbedS3 is storage in a bucket of an S3 server that is there, with the right
// key, behind a proxy that can be disturbed. What is stored goes with its resource.
func (w *world) inDisturbedS3() (*testenv.S3, *v1alpha1.Storage) {
	w.t.Helper()
	server, storage := w.inS3(v1alpha1.DeletionDelete)
	w.must(server.CreateBucket(w.t.Context(), w.namespace))
	w.setKey(server, server.SecretAccessKey)
	target, err := url.Parse(server.Endpoint)
	w.must(err)
	proxy := httptest.NewServer(w.watched(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		r.Out.Host = r.In.Host // which is signed
	}}))
	w.t.Cleanup(proxy.Close)
	storage.Endpoint = proxy.URL
	return server, storage
}

// objects lists what is in the bucket of this world.
func (w *world) objects(server *testenv.S3) []string {
	w.t.Helper()
	list, err := server.Client().ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(w.namespace)})
	w.must(err)
	var keys []string
	for _, object := range list.Contents {
		keys = append(keys, aws.ToString(object.Key))
	}
	return keys
}

// What is wrong with a bucket is said, and when it is put right, the video is
// stored without anybody's doing.
func TestABucketThatIsPutRight(t *testing.T) {
	const wrongKey = "canary-wrong-key"
	for name, test := range map[string]struct {
		wrong func(w *world, server *testenv.S3)
		class transfer.Class
	}{
		"no bucket":     {func(w *world, server *testenv.S3) { w.setKey(server, server.SecretAccessKey) }, transfer.BucketNotFound},
		"no Secret":     {func(*world, *testenv.S3) {}, transfer.InvalidStorage},
		"no key":        {func(w *world, server *testenv.S3) { w.setKey(server, "") }, transfer.InvalidStorage},
		"the wrong key": {func(w *world, server *testenv.S3) { w.setKey(server, wrongKey) }, transfer.AccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			server, storage := w.inS3("")
			test.wrong(w, server)
			w.setStorage(storage)
			w.create("video")
			w.run(5 * time.Minute)
			vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
			w.wantFailure(vg, test.class)
			for _, text := range append(w.events, vg.Status.Storage.Failure.Message) {
				if strings.Contains(text, wrongKey) || strings.Contains(text, server.SecretAccessKey) || strings.Contains(text, server.AccessKeyID) {
					t.Errorf("a key is shown: %s", text)
				}
			}
			w.must(server.CreateBucket(context.Background(), w.namespace))
			w.setKey(server, server.SecretAccessKey)
			w.run(10 * time.Minute)
			vg = w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if objects := w.objects(server); len(objects) != 1 || "s3://"+w.namespace+"/"+objects[0] != vg.Status.Videos[0].Artifact.URI {
				t.Errorf("the bucket has %q, the status says %+v", objects, vg.Status.Videos[0].Artifact)
			}
		})
	}
}

// A resource stores in a bucket of its own with the Secret of its namespace, and
// its videos go with it, also when the Secret is gone already.
func TestAResourceWithStorageOfItsOwn(t *testing.T) {
	w := newStoringWorld(t, "")
	server, storage := w.inS3(v1alpha1.DeletionDelete)
	w.must(server.CreateBucket(t.Context(), w.namespace))
	w.setKey(server, server.SecretAccessKey)
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
	w.create("other")
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantStored(w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
	if objects := w.objects(server); len(objects) != 1 {
		t.Errorf("the bucket has %q", objects)
	}
	w.must(w.live.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bucket"}}))
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.run(time.Hour)
	if objects := w.objects(server); len(objects) != 0 {
		t.Errorf("the bucket has %q", objects)
	}
	w.wantStored(w.get("other"), "720p.mp4")
}
