// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
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

// storageFolder stands for a folder below the root of the world in what tests say of storage.
const storageFolder = "/ROOT"

// inFolder is storage in a folder below the root of the world.
func inFolder(policy v1alpha1.DeletionPolicy) *v1alpha1.Storage {
	return &v1alpha1.Storage{URL: "file://" + storageFolder, Prefix: "films", DeletionPolicy: policy}
}

// newStoringWorld is a world whose account has storage in a folder.
func newStoringWorld(t *testing.T, policy v1alpha1.DeletionPolicy) *world {
	t.Helper()
	return newWorld(t, worldOptions{storage: inFolder(policy)})
}

// setStorage changes the storage of the account.
func (w *world) setStorage(storage *v1alpha1.Storage) {
	w.t.Helper()
	account := w.account()
	before := account.DeepCopy()
	account.Spec.Storage = w.rooted(storage)
	w.must(w.live.Patch(w.t.Context(), account, client.MergeFrom(before)))
}

// rooted puts the root of the world in its place.
func (w *world) rooted(storage *v1alpha1.Storage) *v1alpha1.Storage {
	storage = storage.DeepCopy()
	if storage != nil {
		storage.URL = strings.Replace(storage.URL, storageFolder, w.root, 1)
	}
	return storage
}

// filesStored lists what is in the storage, by the path below its root.
func (w *world) filesStored() []string {
	w.t.Helper()
	var files []string
	w.must(filepath.WalkDir(w.root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(name, ".attrs") {
			name, err = filepath.Rel(w.root, name)
			files = append(files, name)
		}
		return err
	}))
	slices.Sort(files)
	return files
}

// wantStored asserts that each video of a resource is stored as its status says,
// under these names, and nothing else of it is.
func (w *world) wantStored(vg *v1alpha1.VideoGeneration, names ...string) {
	w.t.Helper()
	own := filepath.Join("films", vg.Namespace, vg.Name, string(vg.UID)) + "/"
	var want, got []string
	for _, name := range names {
		want = append(want, own+name)
	}
	for _, name := range w.filesStored() {
		if strings.HasPrefix(name, own) {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("stored are %q, want %q", got, want)
	}
	for _, video := range vg.Status.Videos {
		w.wantArtifact(video.URL, video.Artifact)
		if video.OriginURL != "" {
			w.wantArtifact(video.OriginURL, video.OriginArtifact)
		}
	}
	if progress := vg.Status.Storage; progress == nil || progress.State != v1alpha1.StorageStored || progress.Failure != nil || progress.CompletedAt == nil {
		w.t.Errorf("status.storage is %+v", progress)
	}
}

// wantFailure asserts why a resource is not stored.
func (w *world) wantFailure(vg *v1alpha1.VideoGeneration, class transfer.Class) {
	w.t.Helper()
	progress := vg.Status.Storage
	if progress == nil || progress.Failure == nil || progress.Failure.Reason != string(class) {
		w.t.Fatalf("status.storage is %+v, want a failure for %s", progress, class)
	}
}

func (w *world) wantArtifact(link string, object *v1alpha1.Artifact) {
	w.t.Helper()
	if object == nil {
		w.t.Errorf("the video at %s has no artifact", link)
		return
	}
	u, err := url.Parse(object.URI)
	w.must(err)
	content, err := os.ReadFile(u.Path)
	w.must(err)
	sum := sha256.Sum256(content)
	size, hash, ok := w.sim.FileOf(link)
	if !ok || object.SizeBytes != size || object.SHA256 != hash || hash != hex.EncodeToString(sum[:]) {
		w.t.Errorf("the artifact is %+v, the file has %d bytes and %x, the video at KIE.AI %d and %s", object, len(content), sum, size, hash)
	}
	if object.ContentType != "video/mp4" || object.StoredAt.IsZero() {
		w.t.Errorf("the artifact is %+v", object)
	}
}

func TestAVideoIsStored(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantStored(vg, "720p.mp4")
	if want := "file://" + w.root + "/films"; vg.Status.Storage.URL != want {
		t.Errorf("status.storage.url is %s, want %s", vg.Status.Storage.URL, want)
	}
	if len(vg.Finalizers) > 0 {
		t.Errorf("the finalizers are %q", vg.Finalizers)
	}
	if !slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, v1alpha1.ReasonStoring) }) {
		t.Errorf("there is no Event about the storing: %q", w.events)
	}
	writes := w.faults.writes.Load()
	w.pass(24 * time.Hour)
	if got := w.faults.writes.Load(); got != writes {
		t.Errorf("a stored resource was written to %d times", got-writes)
	}
}

func TestAllVideosAreStored(t *testing.T) {
	for name, test := range map[string]struct {
		change []func(*v1alpha1.VideoGeneration)
		want   []string
	}{
		"1080p":    {[]func(*v1alpha1.VideoGeneration){fixture.In(v1alpha1.Resolution1080p)}, []string{"1080p.mp4", "720p.mp4"}},
		"4k":       {[]func(*v1alpha1.VideoGeneration){fixture.In(v1alpha1.Resolution4K)}, []string{"4k.mp4", "720p.mp4"}},
		"original": {[]func(*v1alpha1.VideoGeneration){portrait}, []string{"720p-original.mp4", "720p.mp4"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, "")
			w.create("video", test.change...)
			w.run(3 * time.Hour)
			w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), test.want...)
		})
	}
}

func portrait(vg *v1alpha1.VideoGeneration) { vg.Spec.AspectRatio = v1alpha1.AspectRatioPortrait }

// The 720p video is not left to its dying link because its upgrade is held back.
func TestTheBaseIsStoredBeforeItsUpgrade(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:latency=10m]"))
	w.run(time.Minute)
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended), "720p.mp4")
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "1080p.mp4", "720p.mp4")
}

// What KIE.AI's file hosts do: for each, how the resource ends, and for what reason it was not stored.
func TestHowFilesAreServed(t *testing.T) {
	for marker, class := range map[string]transfer.Class{
		"[sim:cut=2500]":              "",
		"[sim:cut-once=2500]":         "",
		"[sim:file=late]":             "",
		"[sim:file=busy-once]":        "",
		"[sim:file=no-ranges]":        "",
		"[sim:file=redirect]":         "",
		"[sim:file=gone-url]":         "",
		"[sim:link-for=1ms]":          "",
		"[sim:bytes=1024]":            "",
		"[sim:bytes=7340032]":         "",
		"[sim:file=truncated]":        transfer.NotVideo,
		"[sim:file=html]":             transfer.NotVideo,
		"[sim:file=html-as-mp4]":      transfer.NotVideo,
		"[sim:file=empty]":            transfer.NotVideo,
		"[sim:file=busy]":             transfer.DownloadFailed,
		"[sim:file=gone]":             transfer.LinkDead,
		"[sim:file=forbidden]":        transfer.LinkDead,
		"[sim:file=redirect-private]": transfer.DownloadFailed,
	} {
		t.Run(marker, func(t *testing.T) {
			w := newStoringWorld(t, "")
			w.create("video", prompt(marker))
			w.run(time.Hour)
			if class == "" {
				w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
				return
			}
			vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
			w.wantFailure(vg, class)
			if vg.Status.Videos[0].URL == "" {
				t.Error("the link is lost")
			}
			// KIE.AI deletes it after 14 days. From then on, nothing brings it back.
			w.pass(state.VideoLifetime)
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonStorageFailed)
			if files := w.filesStored(); len(files) > 0 {
				t.Errorf("stored are %q", files)
			}
			writes, fetches := w.faults.writes.Load(), w.sim.Fetches(vg.Status.Videos[0].URL)
			w.pass(24 * time.Hour)
			if w.faults.writes.Load() != writes || w.sim.Fetches(vg.Status.Videos[0].URL) != fetches {
				t.Error("it goes on after its end")
			}
		})
	}
}

// Whoever has put right what was wrong has nothing more to do.
func TestStorageThatIsPutRight(t *testing.T) {
	for name, test := range map[string]struct {
		wrong, right func(w *world)
		class        transfer.Class
	}{
		"no volume": {
			wrong: func(w *world) { w.must(os.Rename(w.root, w.root+".away")) },
			right: func(w *world) { w.must(os.Rename(w.root+".away", w.root)) },
			class: transfer.BucketNotFound,
		},
		"outside of the root": {
			wrong: func(w *world) { w.setStorage(&v1alpha1.Storage{URL: "file:///somewhere/else"}) },
			right: func(w *world) { w.setStorage(inFolder("")) },
			class: transfer.InvalidStorage,
		},
		"no Secret": {
			wrong: func(w *world) {
				w.setStorage(&v1alpha1.Storage{URL: "s3://videos", Region: "eu-central-1", CredentialsSecretRef: &v1alpha1.SecretReference{Name: "missing"}})
			},
			right: func(w *world) { w.setStorage(inFolder("")) },
			class: transfer.InvalidStorage,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, "")
			test.wrong(w)
			w.create("video")
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
			w.wantFailure(vg, test.class)
			test.right(w)
			w.run(time.Hour)
			w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
		})
	}
}

func TestWhenStorageCounts(t *testing.T) {
	t.Run("not for what was finished before", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.run(time.Hour)
		w.setStorage(inFolder(""))
		w.run(time.Hour)
		if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Storage != nil {
			t.Errorf("status.storage is %+v", vg.Status.Storage)
		}
	})
	t.Run("no longer when it is taken away", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video", prompt("[sim:file=gone]"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
		w.setStorage(nil)
		w.run(time.Hour)
		if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Storage != nil {
			t.Errorf("status.storage is %+v", vg.Status.Storage)
		}
	})
	t.Run("not without videos", func(t *testing.T) {
		w := newStoringWorld(t, "")
		w.create("video", prompt("[sim:fail=400]"))
		w.run(time.Hour)
		if vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonContentRejected); vg.Status.Storage != nil {
			t.Errorf("status.storage is %+v", vg.Status.Storage)
		}
	})
}

func TestDeletionPolicies(t *testing.T) {
	for name, test := range map[string]struct {
		policy v1alpha1.DeletionPolicy
		change func(w *world)
		left   bool
		warned bool
	}{
		"Retain":              {policy: v1alpha1.DeletionRetain, left: true},
		"none":                {left: true},
		"Delete":              {policy: v1alpha1.DeletionDelete},
		"Delete, then Retain": {policy: v1alpha1.DeletionDelete, left: true, change: func(w *world) { w.setPolicy(v1alpha1.DeletionRetain) }},
		"Retain, then Delete": {policy: v1alpha1.DeletionRetain, change: func(w *world) { w.setPolicy(v1alpha1.DeletionDelete) }},
		"Delete, no account":  {policy: v1alpha1.DeletionDelete, change: func(w *world) { w.must(w.live.Delete(w.t.Context(), w.account())) }},
		"Delete, nobody knows": {policy: v1alpha1.DeletionDelete, left: true, warned: true, change: func(w *world) {
			w.must(w.live.Delete(w.t.Context(), w.account()))
			w.restart()
		}},
		"Delete, other folder":    {policy: v1alpha1.DeletionDelete, left: true, warned: true, change: func(w *world) { w.setStorage(&v1alpha1.Storage{URL: "file:///ROOT/other", DeletionPolicy: "Delete"}) }},
		"Delete, gone by itself":  {policy: v1alpha1.DeletionDelete, change: func(w *world) { w.must(os.RemoveAll(filepath.Join(w.root, "films"))) }},
		"Delete, status is wrong": {policy: v1alpha1.DeletionDelete, left: true, warned: true, change: func(w *world) { w.claim("other/resource/uid/720p.mp4") }},
		"Delete, upwards":         {policy: v1alpha1.DeletionDelete, left: true, warned: true, change: func(w *world) { w.claim("x/..") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, test.policy)
			other := filepath.Join(w.root, "films", "other", "resource", "uid", "720p.mp4")
			w.must(os.MkdirAll(filepath.Dir(other), 0o700))
			w.must(os.WriteFile(other, []byte("not ours"), 0o600))
			w.create("video")
			w.run(time.Hour)
			before := w.filesStored()
			if test.change != nil {
				test.change(w)
				w.pass(time.Minute)
			}
			w.must(w.live.Delete(t.Context(), w.get("video")))
			w.run(time.Hour)
			if err := w.live.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "video"}, &v1alpha1.VideoGeneration{}); !apierrors.IsNotFound(err) {
				t.Fatalf("the resource is still there: %v", err)
			}
			if content, err := os.ReadFile(other); name != "Delete, gone by itself" && (err != nil || !bytes.Equal(content, []byte("not ours"))) {
				t.Errorf("what is not its own was touched: %v", err)
			}
			if after := w.filesStored(); test.left != slices.Equal(before, after) || (!test.left && len(after) > 1) {
				t.Errorf("before %q, after %q", before, after)
			}
			if warned := slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, "StoredVideosLeft") }); warned != test.warned {
				t.Errorf("warned is %t: %q", warned, w.events)
			}
		})
	}
}

func (w *world) setPolicy(policy v1alpha1.DeletionPolicy) {
	w.t.Helper()
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = &v1alpha1.Storage{DeletionPolicy: policy} })
}

// claim makes the status claim that the video is stored under another key.
func (w *world) claim(key string) {
	w.t.Helper()
	vg := w.get("video")
	vg.Status.Videos[0].Artifact.URI = "file://" + w.root + "/films/" + key
	w.must(w.live.Status().Update(w.t.Context(), vg))
}

// A resource whose storage is gone is deleted all the same, after a while.
func TestDeletionIsBounded(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.create("video")
	w.run(time.Hour)
	w.must(os.RemoveAll(w.root))
	began := w.clock.Now()
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.run(time.Hour)
	if took := w.clock.Now().Sub(began); took > storagectl.ReleaseWithin+time.Second || took < time.Minute {
		t.Errorf("it took %s, want some tries and at most 10 minutes", took)
	}
	if err := w.live.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "video"}, &v1alpha1.VideoGeneration{}); !apierrors.IsNotFound(err) {
		t.Errorf("the resource is still there: %v", err)
	}
}
