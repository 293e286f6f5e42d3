// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// What happens to the storing of a video while it is on its way.

// upToStoring goes on until the video of the resource "video" is made and is to be
// stored, and nobody has begun to.
func (w *world) upToStoring() types.NamespacedName {
	w.t.Helper()
	const name = "video"
	key := types.NamespacedName{Namespace: w.namespace, Name: name}
	w.run(time.Minute)
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.sim.Deliver(w.t.Context())
	for range 5 {
		w.sync()
		w.reconcile(key)
	}
	w.sync()
	if vg := w.get(name); !state.StoragePending(vg) || len(state.StoredURIs(vg)) > 0 {
		w.t.Fatalf("%s is not about to be stored: %+v", name, vg.Status)
	}
	return key
}

// whileStoring calls back at each request that is made while something is
// stored, before it is answered. The first has number 1.
func (w *world) whileStoring(do func(number int)) {
	number := 0
	w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		if w.proc.storage.Transfers.Running() > 0 {
			number++
			do(number)
		}
		serve.ServeHTTP(rw, r)
	}
}

// What was stored is noted, also where the storing of the rest is ended.
func TestWhatIsStoredIsNotedAtOnce(t *testing.T) {
	for name, end := range map[string]func(w *world, shutDown func()){
		"ended by others": func(w *world, _ func()) { w.proc.storage.Transfers.Stop(w.get("video").UID) },
		"by the operator": func(_ *world, shutDown func()) { shutDown() },
		"by both":         func(w *world, shutDown func()) { shutDown(); w.proc.storage.Transfers.Stop(w.get("video").UID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, "")
			w.create("video", portrait)
			key := w.upToStoring()
			ctx, shutDown := context.WithCancel(t.Context())
			defer shutDown()
			w.whileStoring(func(number int) {
				if number == 2 {
					end(w, shutDown)
				}
			})
			result, err := w.proc.storage.Reconcile(ctx, ctrl.Request{NamespacedName: key})
			if err != nil || result.RequeueAfter == 0 {
				t.Errorf("it says %+v, %v", result, err)
			}
			if video := w.get("video").Status.Videos[0]; video.Artifact == nil || video.OriginArtifact != nil {
				t.Errorf("the video is %+v", video)
			}
		})
	}
}

// Who waits for the end of the storing finds in the status what was stored.
func TestStoringEndsWhenItIsNoted(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	key := w.upToStoring()
	var ended []bool
	w.faults.onWrite = func(_ int, do func() error) error {
		ended = append(ended, w.proc.storage.Transfers.Stop(w.get("video").UID))
		return do()
	}
	w.keep(key)
	if len(ended) != 1 || ended[0] {
		t.Errorf("the storing had ended when it was noted: %t", ended)
	}
	w.wantStored(w.get("video"), "720p.mp4")
}

// What was stored and could not be noted is noted later, and is not asked of the
// storage again.
func TestWhatCouldNotBeNotedIsNotLost(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	key := w.upToStoring()
	w.faults.onWrite = func(int, func() error) error { return errServer }
	w.keep(key)
	w.faults.onWrite = nil
	if vg := w.get("video"); len(state.StoredURIs(vg)) > 0 {
		t.Fatalf("that was noted: %+v", vg.Status.Videos)
	}
	w.setStorage(nil) // nobody looks there any more
	w.run(time.Hour)
	if vg := w.get("video"); len(state.StoredURIs(vg)) != 1 || vg.Status.Storage != nil {
		t.Errorf("the status is %+v", vg.Status)
	}
}

// Where nothing can be stored, nothing has to be deleted: the deletion of the
// resource is not held up by storage that was never there.
func TestOnlyWhatIsStoredHoldsUpADeletion(t *testing.T) {
	w := newWorld(t, worldOptions{})
	_, storage := w.inS3(v1alpha1.DeletionDelete)
	w.setStorage(storage)
	w.create("video")
	w.run(5 * time.Minute)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	w.wantFailure(vg, transfer.InvalidStorage)
	if len(vg.Finalizers) > 0 {
		t.Errorf("the finalizers are %q", vg.Finalizers)
	}
	w.deleteWithin("video", time.Second)
}

// There is a finalizer before the first byte is stored.
func TestTheFinalizerIsThereFirst(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.create("video")
	key := w.upToStoring()
	var finalizers []string
	w.whileStoring(func(int) { finalizers = append(finalizers, w.get("video").Finalizers...) })
	w.keep(key)
	if !slices.Contains(finalizers, v1alpha1.FinalizerStoredVideos) {
		t.Errorf("the finalizers were %q", finalizers)
	}
	w.wantStored(w.get("video"), "720p.mp4")
}

// Who deletes the resource right before the finalizer is written finds nothing
// stored of it.
func TestDeletedBeforeTheFinalizer(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.create("video")
	key := w.upToStoring()
	w.faults.onWrite = func(_ int, do func() error) error {
		w.faults.onWrite = nil
		w.must(w.live.Delete(t.Context(), w.get("video")))
		return do()
	}
	w.keep(key)
	w.run(time.Hour)
	if files := w.filesStored(); len(files) > 0 {
		t.Errorf("stored are %q", files)
	}
}

// awayReader is an API server that does not answer.
type awayReader struct{ client.Reader }

func (awayReader) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errServer
}

// A process that was paused while it stored a video does not know that another one
// does its work by now. What that one has let go of leaves nothing behind, and
// what it has bought anew is not replaced by what was before.
func TestAPausedProcessStoresNothingThatIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(w *world)
		left      int
	}{
		"the resource is deleted": {func(w *world) {
			vg := w.get("video")
			w.must(w.live.Delete(w.t.Context(), vg))
			vg = w.get("video")
			vg.Finalizers = nil
			w.must(w.live.Update(w.t.Context(), vg))
		}, 0},
		"the resource is being deleted": {func(w *world) { w.must(w.live.Delete(w.t.Context(), w.get("video"))) }, 0},
		"another task has taken the place": {func(w *world) {
			vg := w.get("video")
			vg.Status.Task.ID = "another"
			w.must(w.live.Status().Update(w.t.Context(), vg))
		}, 0},
		"nothing of it":                  {func(*world) {}, 1},
		"the API server does not answer": {func(w *world) { w.proc.storage.Live = awayReader{w.live} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, v1alpha1.DeletionDelete)
			w.create("video")
			key := w.upToStoring()
			w.whileStoring(func(number int) {
				if number == 1 {
					tt.meanwhile(w)
				}
			})
			w.keep(key)
			if files := w.filesStored(); len(files) != tt.left {
				t.Errorf("stored are %q, want %d", files, tt.left)
			}
		})
	}
}

// Who takes the storage away while something is stored there ends that, and
// nothing of it is left that nobody knows of.
func TestStorageIsTakenAwayMidway(t *testing.T) {
	t.Run("in a folder", func(t *testing.T) {
		w := newStoringWorld(t, v1alpha1.DeletionDelete)
		w.create("video")
		key := w.upToStoring()
		seen := make(chan struct{})
		w.whileStoring(func(number int) {
			if number == 1 {
				w.setStorage(nil)
				w.seen(key)
				close(seen)
			}
		})
		w.keep(key)
		<-seen
		w.run(time.Hour)
		w.wantNothingOfStorage("video")
		if files := w.filesStored(); len(files) > 0 {
			t.Errorf("stored are %q", files)
		}
	})
	t.Run("in a bucket that has just got it all", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		server, storage := w.inDisturbedS3()
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = storage })
		key := w.upToStoring()
		stored, seen := 0, make(chan struct{})
		w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
			if r.Method != http.MethodPut || w.proc.storage.Transfers.Running() == 0 {
				serve.ServeHTTP(rw, r)
				return
			}
			serve.ServeHTTP(httptest.NewRecorder(), r)
			stored += len(w.objects(server))
			w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Storage = nil })
			w.seen(key)
			close(seen)
			panic(http.ErrAbortHandler) // the answer is lost
		}
		w.keep(key)
		<-seen
		w.run(time.Hour)
		if stored != 1 {
			t.Fatalf("%d objects were stored, want 1", stored)
		}
		w.wantNothingOfStorage("video")
		if objects := w.objects(server); len(objects) > 0 {
			t.Errorf("the bucket has %q", objects)
		}
	})
}

// seen lets the other reconciler see what was changed while something is stored.
// The storing may end before that does.
func (w *world) seen(name types.NamespacedName) {
	w.catchUp()
	if _, err := w.proc.videos.Reconcile(context.Background(), ctrl.Request{NamespacedName: name}); err != nil {
		w.t.Errorf("reconcile %s: %v", name.Name, err)
	}
}

// wantNothingOfStorage asserts that a finished resource has nothing to do with
// storage any more, and goes without a word about it.
func (w *world) wantNothingOfStorage(name string) {
	w.t.Helper()
	vg := w.wantReady(name, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if vg.Status.Storage != nil || len(state.StoredURIs(vg)) > 0 || len(vg.Finalizers) > 0 {
		w.t.Errorf("the finalizers are %q, the status %+v", vg.Finalizers, vg.Status)
	}
	w.deleteWithin(name, time.Second)
	if slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, "StoredVideosLeft") }) {
		w.t.Errorf("there is a warning: %q", w.events)
	}
}

// A video that cannot be stored does not keep a later one of the same resource
// from being stored at once, and comes no sooner for it.
func TestAVideoDoesNotWaitForAnother(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:file=gone] [sim:1080p-latency=3h]"), func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Timeout = &metav1.Duration{Duration: 6 * time.Hour}
	})
	w.run(2 * time.Hour)
	if vg := w.get("video"); vg.Status.Storage.Failure == nil || len(vg.Status.Videos) != 1 {
		t.Fatalf("the status is %+v", vg.Status)
	}
	base := w.get("video").Status.Videos[0].URL
	w.run(3 * time.Hour)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	if len(vg.Status.Videos) != 2 || vg.Status.Videos[0].Artifact == nil {
		t.Fatalf("the videos are %+v", vg.Status.Videos)
	}
	if waited := vg.Status.Videos[0].Artifact.StoredAt.Sub(vg.Status.Upgrade.CompletedAt.Time); waited > time.Minute {
		t.Errorf("the larger video was stored %s after it was made", waited)
	}
	w.wantFailure(vg, transfer.LinkDead)
	fetches := w.sim.Fetches(base)
	w.run(4 * time.Hour)
	if more := w.sim.Fetches(base) - fetches; more == 0 || more > 16 {
		t.Errorf("the other one was fetched %d times more in 4 hours, want some times an hour", more)
	}
}

// One object that cannot be deleted holds up its own resource and no other.
func TestAnObjectThatStaysHoldsUpNoOther(t *testing.T) {
	t.Run("because it must not be deleted", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		server, storage := w.inDisturbedS3()
		w.setStorage(storage)
		w.create("bad")
		w.create("good")
		w.run(time.Hour)
		w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
			if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/bad/") {
				rw.WriteHeader(http.StatusForbidden)
				return
			}
			serve.ServeHTTP(rw, r)
		}
		w.must(w.live.Delete(t.Context(), w.get("bad")))
		w.must(w.live.Delete(t.Context(), w.get("good")))
		w.run(time.Second)
		w.get("bad")
		if objects := w.objects(server); len(objects) != 1 || !strings.Contains(objects[0], "/bad/") {
			t.Errorf("the bucket has %q", objects)
		}
		w.run(time.Hour)
		left := func(e string) bool { return strings.Contains(e, "StoredVideosLeft") && strings.Contains(e, "/bad/") }
		if !slices.ContainsFunc(w.events, left) {
			t.Errorf("there is no warning: %q", w.events)
		}
	})
	// Such a storage looks as if it did not answer at all.
	t.Run("because the storage fails at it", func(t *testing.T) {
		w := newStoringWorld(t, v1alpha1.DeletionDelete)
		w.create("bad")
		for i := range 3 {
			w.create(fmt.Sprintf("good-%d", i))
		}
		w.run(time.Hour)
		w.must(os.MkdirAll(filepath.Join(w.root, w.obstruct("bad"), "in the way"), 0o700))
		for i := range 3 {
			w.must(w.live.Delete(t.Context(), w.get(fmt.Sprintf("good-%d", i))))
		}
		w.deleteWithin("bad", storagectl.ReleaseWithin+time.Second)
		if files := w.filesStored(); len(files) > 0 {
			t.Errorf("stored are %q", files)
		}
	})
}

// obstruct removes the file of a stored video, and returns where it was.
func (w *world) obstruct(name string) string {
	w.t.Helper()
	for _, file := range w.filesStored() {
		if strings.Contains(file, "/"+name+"/") {
			w.must(os.Remove(filepath.Join(w.root, file)))
			return file
		}
	}
	w.t.Fatalf("%s is not stored", name)
	return ""
}

// The end of storage is the end of storing, also where the account that had it
// cannot be used.
func TestStorageOfAnInsecureAccountIsTakenAway(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	w.proc.videos.AllowInsecure, w.proc.storage.AllowInsecure, w.proc.accounts.AllowInsecure = false, false, false
	w.setStorage(nil)
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Storage != nil {
		t.Errorf("status.storage is %+v", vg.Status.Storage)
	}
}

// What waits for nobody knows which storage does not wait longer than KIE.AI has
// the video, whether there is an account or not.
func TestWaitingForAPlaceEnds(t *testing.T) {
	for name, take := range map[string]func(w *world){
		"no account": func(w *world) { w.must(w.live.Delete(w.t.Context(), w.account())) },
		"no storage": func(w *world) { w.setStorage(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, "")
			w.create("video")
			key := w.upToStoring()
			take(w)
			w.sync()
			w.keep(key)
			if vg := w.get("video"); !state.StoragePending(vg) {
				t.Fatalf("status.storage is %+v", vg.Status.Storage)
			}
			w.clock.SetTime(w.proc.storageQueue.next[key])
			w.keep(key)
			vg := w.get("video")
			w.wantFailure(vg, transfer.InvalidStorage)
			if vg.Status.Storage.State != v1alpha1.StorageFailed {
				t.Errorf("status.storage is %+v", vg.Status.Storage)
			}
		})
	}
}

// Nothing is remembered of resources that need it no more.
func TestPlacesAreForgotten(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"deleted":          func(w *world) { w.must(w.live.Delete(w.t.Context(), w.get("video"))) },
		"to be retained":   func(w *world) { w.setPolicy(v1alpha1.DeletionRetain) },
		"not to be stored": func(w *world) { w.setStorage(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newStoringWorld(t, v1alpha1.DeletionDelete)
			w.create("video", prompt("[sim:file=gone]"))
			w.run(time.Hour)
			places := w.proc.storage.Locations
			if n := places.Remembered(); n != 1 {
				t.Fatalf("%d places are remembered, want 1", n)
			}
			end(w)
			w.run(2 * time.Hour)
			if n := places.Remembered(); n > 0 {
				t.Errorf("%d places are remembered", n)
			}
		})
	}
	t.Run("deleted without a finalizer", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		_, storage := w.inDisturbedS3()
		w.setStorage(storage)
		w.create("video")
		key := w.upToStoring()
		w.onRequest = func(_ int, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			rw.WriteHeader(http.StatusNotImplemented)
		}
		w.keep(key)
		if vg := w.get("video"); len(vg.Finalizers) > 0 {
			t.Fatalf("the finalizers are %q", vg.Finalizers)
		}
		w.deleteWithin("video", time.Minute)
		if n := w.proc.storage.Locations.Remembered(); n > 0 {
			t.Errorf("%d places are remembered", n)
		}
	})
}

// What is the same as before is not written.
func TestTheSameFailureIsNotedOnce(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	writes, fetches := w.faults.writes.Load(), w.sim.Fetches(w.get("video").Status.Videos[0].URL)
	w.run(12 * time.Hour)
	if w.sim.Fetches(w.get("video").Status.Videos[0].URL) == fetches {
		t.Fatal("it was not tried again")
	}
	if more := w.faults.writes.Load() - writes; more > 0 {
		t.Errorf("there were %d writes", more)
	}
}

// That there are no fresh links for now says nothing of a video that is stored.
func TestLinksAreNoReasonNotToBeReady(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video", prompt("[sim:file=gone]"))
	w.run(time.Hour)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"}}
	w.must(w.live.Delete(t.Context(), secret))
	w.clock.SetTime(w.clock.Now().Add(time.Hour)) // the key is not remembered any more
	w.restart()
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationRefreshLinks, "1")
	})
	before := len(w.events)
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	if said := len(w.events) - before; said > 0 {
		t.Errorf("Ready has changed %d times, last: %s", said, w.events[len(w.events)-1])
	}
}

// A status that says Storing though all is stored comes to its end.
func TestAllIsStoredAlready(t *testing.T) {
	w := newStoringWorld(t, "")
	w.create("video")
	w.run(time.Hour)
	vg := w.get("video")
	vg.Status.Storage.State, vg.Status.Storage.CompletedAt = v1alpha1.StorageStoring, nil
	w.must(w.live.Status().Update(t.Context(), vg))
	w.written.regressions = nil
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
	w.written.regressions = nil // that was somebody else's doing
}
