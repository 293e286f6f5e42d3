// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/byname"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

const (
	// ReleaseWithin bounds how long a deleted resource waits for its stored videos to be deleted, so that the deletion
	// of a namespace always comes to its end.
	ReleaseWithin = 10 * time.Minute
	// releaseAgain is how soon that is tried again. releaseTimeout bounds one try, and lastReleaseTimeout the last one,
	// which is made when the time is over.
	releaseAgain       = 15 * time.Second
	releaseTimeout     = 20 * time.Second
	lastReleaseTimeout = 5 * time.Second
	// releaseWorkers is how many deleted resources are worked on at a time.
	releaseWorkers = 4
)

// Releaser removes the finalizer of VideoGenerations that are deleted. With
// deletionPolicy Delete it deletes their stored videos first; if that is not
// possible within 10 minutes, a Warning says which are left.
//
// It is a controller of its own, so that storage which does not answer holds up
// neither purchases nor downloads.
type Releaser struct {
	// Client reads from the cache and writes to the API server.
	Client    client.Client
	Locations *Locations
	Transfers *Transfers
	Clock     clock.PassiveClock
	Recorder  events.EventRecorder

	mu sync.Mutex
	// broken says until when a place is not tried because it has just not answered, so that not each resource waits
	// for its timeout.
	broken map[string]time.Time
	// leaving are the deleted resources.
	leaving byname.Map[*leaving]
}

// leaving is what is known of a deleted resource.
type leaving struct {
	// since is when this process first saw it deleted. ReleaseWithin counts from then, so that a resource which was
	// deleted while no operator ran has the whole time too.
	since time.Time
	// tried says that there was a try for this resource.
	tried bool
}

// Init makes the reconciler ready for use without a manager.
func (r *Releaser) Init() {
	r.broken = map[string]time.Time{}
}

// Reconcile removes the finalizer of a deleted resource when its stored videos
// are deleted, or will not be.
func (r *Releaser) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	vg := &v1alpha1.VideoGeneration{}
	if err := r.Client.Get(ctx, req.NamespacedName, vg); err != nil && !apierrors.IsNotFound(err) {
		return ctrl.Result{}, fmt.Errorf("reading the VideoGeneration: %w", err)
	}
	if vg.DeletionTimestamp.IsZero() || !controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
		r.leaving.Delete(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	now := r.Clock.Now()
	end := r.of(vg).since.Add(ReleaseWithin)
	inTime := now.Before(end)
	if ended := r.Transfers.Stop(vg.UID); !ended && inTime {
		return ctrl.Result{RequeueAfter: time.Second}, nil
	}
	left, err := r.deleteStored(ctx, vg, !inTime)
	switch {
	case err != nil && inTime:
		return ctrl.Result{}, err
	case left.again && inTime:
		log.FromContext(ctx).Info("The stored videos of a deleted VideoGeneration could not be deleted yet", "cause", left.cause)
		// Up to a third more, at random, so that it is not always the same resource that waits for a broken place.
		again := releaseAgain + rand.N(releaseAgain/3) //nolint:gosec // nobody gains by guessing it
		return ctrl.Result{RequeueAfter: min(again, end.Sub(now))}, nil
	}
	if len(left.uris) > 0 {
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, report.ReasonStoredVideosLeft, report.ActionReconcile, "%s",
			report.BoundedNote(fmt.Sprintf("deleted without its stored videos (%s): delete them by hand: %s", left.cause, strings.Join(left.uris, ", "))))
		log.FromContext(ctx).Info("A VideoGeneration was deleted without its stored videos", "left", left.uris, "cause", left.cause)
	}
	patch := client.MergeFromWithOptions(vg.DeepCopy(), client.MergeFromWithOptimisticLock{})
	controllerutil.RemoveFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	err = r.Client.Patch(ctx, vg, patch)
	switch {
	case report.IsRefused(err):
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, string(FinalizerRefused), report.ActionReconcile, "%s", report.BoundedNote(fmt.Sprintf(
			"the finalizer %s cannot be removed, so the resource stays: allow the operator to update it. %s", v1alpha1.FinalizerStoredVideos, report.FailureText(err))))
		return ctrl.Result{RequeueAfter: time.Minute}, nil
	case err != nil:
		return report.QuietConflict(fmt.Errorf("removing the finalizer: %w", err))
	}
	r.Locations.Forget(vg.UID)
	r.leaving.Delete(req.NamespacedName)
	return ctrl.Result{}, nil
}

// of returns what is known of a deleted resource.
func (r *Releaser) of(vg *v1alpha1.VideoGeneration) *leaving {
	known, _ := r.leaving.GetOr(client.ObjectKeyFromObject(vg), vg.UID, func() *leaving { return &leaving{since: r.Clock.Now()} })
	return known
}

// mayTry reports whether to try a resource now, and notes that it is tried: not
// while its place is broken, unless this is the last chance and it had no try yet.
func (r *Releaser) mayTry(vg *v1alpha1.VideoGeneration, p state.Location, last bool) bool {
	known := r.of(vg)
	r.mu.Lock()
	defer r.mu.Unlock()
	until, broken := r.broken[p.Identity()]
	switch {
	case broken && !r.Clock.Now().Before(until):
		delete(r.broken, p.Identity())
	case broken && (!last || known.tried):
		return false
	}
	known.tried = true
	return true
}

// answered notes whether a place answers. A place that refuses one object counts as
// one that answers.
func (r *Releaser) answered(p state.Location, failure *transfer.StorageError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure != nil && failure.Class == transfer.StorageUnavailable {
		r.broken[p.Identity()] = r.Clock.Now().Add(releaseAgain - time.Second)
	} else {
		delete(r.broken, p.Identity())
	}
}

// isGoneForGood reports whether the credentials of a place are gone together
// with their namespace: nobody will bring them back.
func (r *Releaser) isGoneForGood(ctx context.Context, p state.Location) (bool, error) {
	if p.Spec.CredentialsSecretRef == nil {
		return false, nil
	}
	name := types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.CredentialsSecretRef.Name}
	if err := r.Locations.Live.Get(ctx, name, &corev1.Secret{}); !apierrors.IsNotFound(err) {
		return false, client.IgnoreNotFound(err)
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(accounts.NamespaceKind)
	if err := r.Client.Get(ctx, types.NamespacedName{Name: p.Namespace}, namespace); err != nil {
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}
	return !namespace.DeletionTimestamp.IsZero(), nil
}

// leftover is what is left of the stored videos of a deleted resource.
type leftover struct {
	uris []string
	// cause says why they are left.
	cause string
	// again says that another try may find them gone.
	again bool
}

// deleteStored deletes the stored videos of a resource, if that is what its
// deletionPolicy says, and returns what is left of them. The error is one of the
// API server. last says that the resource is released after this try.
func (r *Releaser) deleteStored(ctx context.Context, vg *v1alpha1.VideoGeneration, last bool) (leftover, error) {
	all := leftover{uris: state.StoredURIs(vg), cause: "the API server does not answer", again: true}
	account, err := accounts.Named(ctx, r.Client, vg.Status.Account)
	if err != nil {
		return all, err
	}
	p, named := state.LocationOf(vg, account)
	if kept, known := r.Locations.recall(vg.UID); !named && account == nil && known {
		p, named = kept.location, true // the account was deleted first
	}
	switch {
	case vg.Spec.Storage != nil && vg.Spec.Storage.DeletionPolicy == v1alpha1.DeletionRetain, named && p.Policy != v1alpha1.DeletionDelete,
		!named && len(all.uris) == 0:
		return leftover{}, nil
	case !named:
		all.cause, all.again = "its storage is not known any more", account == nil
		return all, nil
	case !r.mayTry(vg, p, last):
		all.cause = "its storage does not answer"
		return all, nil
	}
	timeout := releaseTimeout
	if last {
		timeout = lastReleaseTimeout // other resources wait for their last try
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	opened, err := r.Locations.OpenToDelete(ctx, vg.UID, p)
	if failure, ok := asStorageError(err); ok {
		all.cause = failure.Message
		gone, err := r.isGoneForGood(ctx, p)
		all.again = !gone
		return all, err
	} else if err != nil {
		return all, err
	}
	defer func() { _ = opened.Close() }()

	var left leftover
	for _, file := range state.StoredFiles(vg) {
		// Nothing is touched that is in another storage, or under another key than that of the video.
		if file.Artifact != nil && file.Artifact.URI != opened.URI(file.Key) {
			left.uris, left.cause = append(left.uris, file.Artifact.URI), "it is not where its storage is now"
			continue
		}
		err := opened.Delete(ctx, file.Key)
		failure, ok := asStorageError(err)
		if err != nil && !ok {
			return all, err
		}
		r.answered(p, failure)
		if failure != nil {
			left.uris, left.cause, left.again = append(left.uris, opened.URI(file.Key)), failure.Message, true
		}
	}
	return left, nil
}
