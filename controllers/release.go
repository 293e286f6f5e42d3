// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

const (
	// releaseWithin bounds how long a deleted resource waits for its stored videos to be deleted: a namespace is
	// always deleted in the end.
	releaseWithin = 10 * time.Minute
	// releaseAgain is how soon that is tried again, releaseTimeout how long one try takes.
	releaseAgain   = 15 * time.Second
	releaseTimeout = time.Minute
)

// release lets go of a resource that is deleted. With deletionPolicy Delete its
// stored videos are deleted first; if that is not possible within 10 minutes, a
// Warning says which are left.
func (r *VideoGenerationReconciler) release(ctx context.Context, vg *v1alpha1.VideoGeneration) (ctrl.Result, error) {
	ended := r.Transfers.stop(vg.UID)
	if !controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
		return ctrl.Result{}, nil
	}
	now, end := r.Clock.Now(), vg.DeletionTimestamp.Add(releaseWithin)
	if !ended && now.Before(end) {
		return ctrl.Result{RequeueAfter: time.Second}, nil
	}
	left, err := r.deleteStored(ctx, vg)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case left.again && now.Before(end):
		log.FromContext(ctx).Info("The stored videos of a deleted VideoGeneration could not be deleted yet", "cause", left.cause)
		return ctrl.Result{RequeueAfter: min(releaseAgain, end.Sub(now))}, nil
	case len(left.uris) > 0:
		r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, "StoredVideosLeft", actionReconcile, "%s",
			boundedMessage(fmt.Sprintf("deleted without its stored videos (%s): delete them by hand: %s", left.cause, strings.Join(left.uris, ", "))))
		log.FromContext(ctx).Info("A VideoGeneration was deleted without its stored videos", "left", left.uris, "cause", left.cause)
	}
	patch := client.MergeFromWithOptions(vg.DeepCopy(), client.MergeFromWithOptimisticLock{})
	controllerutil.RemoveFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	if err := r.Client.Patch(ctx, vg, patch); err != nil {
		return quietConflict(fmt.Errorf("removing the finalizer: %w", err))
	}
	return ctrl.Result{}, nil
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
// API server.
func (r *VideoGenerationReconciler) deleteStored(ctx context.Context, vg *v1alpha1.VideoGeneration) (leftover, error) {
	account, err := accountOfStatus(ctx, r.Client, vg)
	if err != nil {
		return leftover{}, err
	}
	files := storedFiles(vg)
	all := leftover{again: true}
	for _, file := range files {
		if file.artifact != nil {
			all.uris = append(all.uris, file.artifact.URI)
		}
	}
	p, named := placeOf(vg, account)
	switch {
	case !named:
		all.cause = "its storage is not known any more"
		return all, nil
	case p.policy != v1alpha1.DeletionDelete:
		return leftover{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	bucket, err := r.Places.open(ctx, p)
	if failure, ok := asStorageError(err); ok {
		all.cause = failure.Message
		return all, nil
	} else if err != nil {
		return leftover{}, err
	}
	defer func() { _ = bucket.Close() }()

	var left leftover
	for _, file := range files {
		// What is stored elsewhere, or under a name that is not its own, is not touched.
		if file.artifact != nil && file.artifact.URI != bucket.URI(file.key) {
			left.uris, left.cause = append(left.uris, file.artifact.URI), "it is not where its storage is now"
			continue
		}
		if err := bucket.Delete(ctx, file.key); err != nil {
			failure, ok := asStorageError(err)
			if !ok {
				return leftover{}, err
			}
			left.uris, left.cause, left.again = append(left.uris, bucket.URI(file.key)), failure.Message, true
		}
	}
	return left, nil
}
