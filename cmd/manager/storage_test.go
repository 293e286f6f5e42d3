// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	testBucket = "films"
	testPrefix = "veo"
)

// startS3 starts a real S3 server with a bucket, and a Secret for it.
func startS3(t *testing.T, users client.Client) (*testenv.S3, *v1alpha1.Storage) {
	t.Helper()
	server, err := testenv.StartS3(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if err := server.CreateBucket(t.Context(), testBucket); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: "bucket"},
		StringData: map[string]string{v1alpha1.SecretKeyAccessKeyID: server.AccessKeyID, v1alpha1.SecretKeySecretAccessKey: server.SecretAccessKey},
	}
	createUntilTheEnd(t, users, secret)
	return server, &v1alpha1.Storage{
		URL: "s3://" + testBucket, Endpoint: server.Endpoint, Prefix: testPrefix,
		CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret.Name},
	}
}

// inBucket lists the objects of the bucket by key, each with the hash of its contents.
func inBucket(t *testing.T, server *testenv.S3) map[string]string {
	t.Helper()
	objects := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(server.Client(), &s3.ListObjectsV2Input{Bucket: aws.String(testBucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			answer, err := server.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: object.Key})
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.New()
			if _, err := io.Copy(hash, answer.Body); err != nil {
				t.Fatal(err)
			}
			if err := answer.Body.Close(); err != nil {
				t.Fatal(err)
			}
			objects[aws.ToString(object.Key)] = hex.EncodeToString(hash.Sum(nil))
		}
	}
	return objects
}

// uploads counts the uploads to the bucket that have begun and not ended.
func uploads(t *testing.T, server *testenv.S3) int {
	t.Helper()
	list, err := server.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(testBucket)})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Uploads)
}

// readyReason is the reason of the Ready condition, empty without one.
func readyReason(t *testing.T, users client.Client, vg *v1alpha1.VideoGeneration) string {
	t.Helper()
	if err := users.Get(t.Context(), client.ObjectKeyFromObject(vg), vg); err != nil {
		t.Fatal(err)
	}
	if ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// wantInBucket asserts that the bucket holds the videos of these resources, each
// once and whole, and nothing else.
func wantInBucket(t *testing.T, server *testenv.S3, sim *kiesim.Simulator, videos ...*v1alpha1.VideoGeneration) {
	t.Helper()
	objects := inBucket(t, server)
	for _, vg := range videos {
		for _, video := range vg.Status.Videos {
			key := strings.TrimPrefix(video.Artifact.URI, "s3://"+testBucket+"/")
			size, hash, ok := sim.FileOf(video.URL)
			if !ok || objects[key] != hash || video.Artifact.SHA256 != hash || video.Artifact.SizeBytes != size {
				t.Errorf("%s: the bucket has %s, the status says %+v, KIE.AI made %d bytes with %s", vg.Name, objects[key], video.Artifact, size, hash)
			}
			delete(objects, key)
		}
	}
	if len(objects) > 0 {
		t.Errorf("the bucket has other things too: %v", objects)
	}
	if n := uploads(t, server); n > 0 {
		t.Errorf("%d uploads were left", n)
	}
}

// plainManager builds the program without what tests put into theirs, so that it
// can be measured and is as fast as it is.
var plainManager = sync.OnceValues(func() (string, error) {
	path := filepath.Join(dir, "manager")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/manager")
	build.Dir = testenv.Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return path, nil
})

// peak watches how much memory a process has at most, in bytes.
type peak struct {
	mu   sync.Mutex
	most int64
}

func (p *peak) look(t *testing.T, pid int) int64 {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatalf("ps: %v", err)
	}
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, kilobytes<<10)
	return kilobytes << 10
}

// Fifty videos from 1 KiB to 64 MiB, at a throttled rate, into S3 and into a
// folder. All of them are stored as KIE.AI made them, and the operator does not
// grow with them.
func TestFiftyVideosAreStored(t *testing.T) {
	const (
		count  = 50
		most   = 64 << 20
		growth = 64 << 20
	)
	for _, backend := range []string{"s3", "file"} {
		t.Run(backend, func(t *testing.T) {
			users := usersClient(t)
			sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second, RateLimit: -1})
			server, storage := startS3(t, users)
			root := t.TempDir()
			if backend == "file" {
				storage = &v1alpha1.Storage{URL: "file://" + root, Prefix: testPrefix}
			}
			createAccountWith(t, users, url, v1alpha1.AccountLimits{Submissions: 100, Window: metav1.Duration{Duration: time.Second}}, storage)
			base := "http://" + freeAddress(t)
			m := startPlainManager(t, strings.TrimPrefix(base, "http://"), "--callback-base-url", base, "--file-storage-root", root)
			eventually(t, "it works", m.leads)

			// What it needs anyway: everything but the storing of large videos.
			warm := newVideo(t, users, "warm")
			eventually(t, "a first one is stored", func() bool { return readyReason(t, users, warm) == v1alpha1.ReasonSucceeded })
			var memory peak
			before := memory.look(t, m.command.Process.Pid)

			videos := []*v1alpha1.VideoGeneration{warm}
			for i := range count {
				size := 1024 * math.Pow(most/1024, float64(i)/(count-1))
				videos = append(videos, newVideo(t, users, fmt.Sprintf("fifty-%02d", i), fmt.Sprintf("[sim:bytes=%d] [sim:throttle=%d]", int(size), 24<<20)))
			}
			rarely(t, "all of them are stored", func() bool {
				memory.look(t, m.command.Process.Pid)
				for _, vg := range videos {
					if readyReason(t, users, vg) != v1alpha1.ReasonSucceeded {
						return false
					}
				}
				return true
			})
			if grown := memory.most - before; grown > growth {
				t.Errorf("the operator has grown by %d MiB, from %d MiB", grown>>20, before>>20)
			} else {
				t.Logf("the operator has grown by %d MiB, from %d MiB", grown>>20, before>>20)
			}
			if backend == "s3" {
				wantInBucket(t, server, sim, videos...)
				return
			}
			for _, vg := range videos {
				wantInFolder(t, sim, vg)
			}
		})
	}
}

// wantInFolder asserts that the videos of a resource are in the files that its
// status names.
func wantInFolder(t *testing.T, sim *kiesim.Simulator, vg *v1alpha1.VideoGeneration) {
	t.Helper()
	for _, video := range vg.Status.Videos {
		file, err := os.Open(strings.TrimPrefix(video.Artifact.URI, "file://"))
		if err != nil {
			t.Error(err)
			continue
		}
		hash := sha256.New()
		n, err := io.Copy(hash, file)
		if closeErr := file.Close(); err != nil || closeErr != nil {
			t.Fatal(err, closeErr)
		}
		size, want, ok := sim.FileOf(video.URL)
		if got := hex.EncodeToString(hash.Sum(nil)); !ok || got != want || n != size || video.Artifact.SHA256 != want || video.Artifact.SizeBytes != size {
			t.Errorf("%s: the file has %d bytes and %s, the status says %+v, KIE.AI made %d bytes with %s", vg.Name, n, got, video.Artifact, size, want)
		}
	}
}

// All who download are at work on videos that will take days. A new resource is
// bought, called back and finished all the same.
func TestSlowDownloadsHoldNothingUp(t *testing.T) {
	users := usersClient(t)
	sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second})
	_, storage := startS3(t, users)
	createAccountWith(t, users, url, v1alpha1.AccountLimits{}, storage)
	base := "http://" + freeAddress(t)
	const downloads = 2
	m := startManager(t, strings.TrimPrefix(base, "http://"), "--callback-base-url", base, "--max-concurrent-downloads", strconv.Itoa(downloads))
	eventually(t, "it works", m.leads)
	var slow []*v1alpha1.VideoGeneration
	for i := range downloads {
		slow = append(slow, newVideo(t, users, fmt.Sprintf("slow-%d", i), "[sim:bytes=67108864] [sim:throttle=200]"))
	}
	eventually(t, "all who download are at work", func() bool {
		for _, vg := range slow {
			if readyReason(t, users, vg) != v1alpha1.ReasonStoring || sim.Fetches(vg.Status.Videos[0].URL) < 2 { // the first one looks into it
				return false
			}
		}
		return true
	})
	quick := newVideo(t, users, "quick")
	eventually(t, "another one is finished", func() bool { return readyReason(t, users, quick) == v1alpha1.ReasonStoring })
	for _, vg := range slow {
		if reason := readyReason(t, users, vg); reason != v1alpha1.ReasonStoring {
			t.Errorf("%s is %s", vg.Name, reason)
		}
		// Nobody waits for days to be deleted either.
		if err := users.Delete(t.Context(), vg); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it is stored", func() bool { return readyReason(t, users, quick) == v1alpha1.ReasonSucceeded })
}

// Whoever dies in the middle of an upload, the operator or the S3 server, the
// video is in the bucket at the end, once and whole, and no upload is left.
func TestDeathInTheMiddleOfAnUpload(t *testing.T) {
	for _, victim := range []string{"the operator", "the S3 server"} {
		t.Run(victim, func(t *testing.T) {
			users := usersClient(t)
			sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second})
			server, storage := startS3(t, users)
			createAccountWith(t, users, url, v1alpha1.AccountLimits{}, storage)
			base := "http://" + freeAddress(t)
			start := func() *manager {
				return startManager(t, strings.TrimPrefix(base, "http://"), "--callback-base-url", base)
			}
			m := start()
			eventually(t, "it works", m.leads)
			vg := newVideo(t, users, "cut-short", "[sim:bytes=31457280] [sim:throttle=6291456]")
			eventually(t, "the upload has begun", func() bool { return uploads(t, server) > 0 })
			if victim == "the operator" {
				if err := m.command.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-m.exited //nolint:errcheck // it was killed
				start()
			} else {
				server.Kill()
				eventually(t, "it says why it does not go on", func() bool { return readyReason(t, users, vg) == v1alpha1.ReasonStorageFailed })
				if vg.Status.Storage.Failure.Reason != "StorageUnavailable" {
					t.Errorf("the failure is %+v", vg.Status.Storage.Failure)
				}
				if err := server.Restart(); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "it is stored", func() bool { return readyReason(t, users, vg) == v1alpha1.ReasonSucceeded })
			wantInBucket(t, server, sim, vg)
			if sold := sim.State().PaidTasks; sold != 1 {
				t.Errorf("%d tasks were paid for, want 1", sold)
			}
		})
	}
}

// The operator is told to stop in the middle of an upload. It does so at once,
// and leaves nothing behind.
func TestSIGTERMDuringAnUpload(t *testing.T) {
	users := usersClient(t)
	_, url := serveSimulator(t, kiesim.Options{Latency: time.Second})
	server, storage := startS3(t, users)
	createAccountWith(t, users, url, v1alpha1.AccountLimits{}, storage)
	base := "http://" + freeAddress(t)
	m := startManager(t, strings.TrimPrefix(base, "http://"), "--callback-base-url", base)
	eventually(t, "it works", m.leads)
	newVideo(t, users, "told-to-stop", "[sim:bytes=67108864] [sim:throttle=6291456]")
	eventually(t, "the upload has begun", func() bool { return uploads(t, server) > 0 })
	if err := m.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-m.exited; err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if n := uploads(t, server); n > 0 {
		t.Errorf("%d uploads were left", n)
	}
	if objects := inBucket(t, server); len(objects) > 0 {
		t.Errorf("the bucket has %v", objects)
	}
}

// A namespace whose videos are to be deleted goes with them, and another one's
// stay.
func TestANamespaceIsDeletedWithItsVideos(t *testing.T) {
	users := usersClient(t)
	sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second})
	server, storage := startS3(t, users)
	storage.DeletionPolicy = v1alpha1.DeletionDelete
	createAccountWith(t, users, url, v1alpha1.AccountLimits{}, storage)
	base := "http://" + freeAddress(t)
	m := startManager(t, strings.TrimPrefix(base, "http://"), "--callback-base-url", base)
	eventually(t, "it works", m.leads)
	stays, goes := newVideo(t, users, "twin"), &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: "going", Name: "twin"},
		Spec:       v1alpha1.VideoGenerationSpec{Prompt: canaryPrompt},
	}
	for _, object := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: goes.Namespace}}, goes} {
		if err := users.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	for _, vg := range []*v1alpha1.VideoGeneration{stays, goes} {
		eventually(t, "it is stored", func() bool { return readyReason(t, users, vg) == v1alpha1.ReasonSucceeded })
	}
	wantInBucket(t, server, sim, stays, goes)
	// There is no controller of namespaces here: what it would delete is deleted.
	if err := users.Delete(t.Context(), goes); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool {
		return apierrors.IsNotFound(users.Get(t.Context(), client.ObjectKeyFromObject(goes), &v1alpha1.VideoGeneration{}))
	})
	wantInBucket(t, server, sim, stays)
}
