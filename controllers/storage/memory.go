// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"math/rand/v2"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// How soon after a failure the storing of a video is tried again. The time doubles
// with each failure in a row.
const (
	firstStoreAgain = 15 * time.Second
	// maxStoreAgain is for storage, which somebody may be putting right, maxFetchAgain for a host of KIE.AI's.
	maxStoreAgain = 5 * time.Minute
	maxFetchAgain = time.Hour
)

// memory is what this process remembers of tries that failed, and of what they
// stored. If it is lost, the next try comes at once.
type memory struct {
	// place is the storage that the tries were for: another one is tried at once.
	place string
	// storage has the failures of the storage, after which all videos wait, and videos those of one video, by its URL
	// at KIE.AI.
	storage backoff
	videos  map[string]backoff
	// stored is what is stored and not in the status yet, by its URL at KIE.AI.
	stored map[string]v1alpha1.Artifact
}

// backoff is how often in a row something failed, and when it is tried again.
type backoff struct {
	failed int
	next   time.Time
}

// unwritten returns what is remembered of the resource if some of its videos are
// stored and that could not be written into the status, and else nil.
func (r *Reconciler) unwritten(vg *v1alpha1.VideoGeneration) *memory {
	known, ok := r.memories.Get(client.ObjectKeyFromObject(vg), vg.UID)
	if !ok || len(known.stored) == 0 {
		return nil
	}
	return known
}

// of returns what is remembered of the resource.
func (r *Reconciler) of(vg *v1alpha1.VideoGeneration, p state.Location) *memory {
	name, where := client.ObjectKeyFromObject(vg), p.Identity()
	known, ok := r.memories.Get(name, vg.UID)
	if !ok || known.place != where {
		known = &memory{place: where}
		r.memories.Set(name, vg.UID, known)
	}
	return known
}

// due lists those of the videos that are to be tried now, and says when the next
// one is, if there is none.
func (t *memory) due(missing []state.StoredFile, now time.Time) (due []state.StoredFile, next time.Time) {
	for _, file := range missing {
		at := t.storage.next
		if own := t.videos[file.URL].next; own.After(at) {
			at = own
		}
		if !now.Before(at) {
			due = append(due, file)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return due, next
}

// fail puts the next try off: of one video, or of all if it is the storage that
// failed.
func (t *memory) fail(now time.Time, url string, class transfer.Class) {
	if !ofVideo(class) {
		t.storage = t.storage.again(now, maxStoreAgain)
		return
	}
	if t.videos == nil {
		t.videos = map[string]backoff{}
	}
	t.videos[url] = t.videos[url].again(now, maxFetchAgain)
}

// succeed notes that a video is stored.
func (t *memory) succeed(url string, object v1alpha1.Artifact) {
	if t.stored == nil {
		t.stored = map[string]v1alpha1.Artifact{}
	}
	t.stored[url], t.storage = object, backoff{}
	delete(t.videos, url)
}

// again puts the next try off, by at most the time given. A fifth of the time is
// random, so that those that failed together do not come back together.
func (s backoff) again(now time.Time, most time.Duration) backoff {
	after := state.Backoff(firstStoreAgain, most, s.failed)
	return backoff{failed: s.failed + 1, next: now.Add(after - time.Duration(rand.Int64N(int64(after/5))))} //nolint:gosec // nobody gains by guessing it
}
