// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// writeStored writes what is stored and why the rest is not, also when the operator
// was told to stop meanwhile: the work of minutes would be lost.
func (r *Reconciler) writeStored(ctx context.Context, vg *v1alpha1.VideoGeneration, known *memory, failure *transfer.StorageError) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), report.PersistTimeout)
	defer cancel()
	err := r.write(ctx, vg, known.stored, failure)
	if err == nil {
		known.stored = nil
	}
	return err
}

// write writes into the status what is stored now and why the rest is not, together
// with the condition Stored. The other conditions are set by the reconciler of
// purchases, which this write wakes. After a conflict it tries again, so that the
// work of minutes is not lost.
func (r *Reconciler) write(ctx context.Context, vg *v1alpha1.VideoGeneration, stored map[string]v1alpha1.Artifact, failure *transfer.StorageError) error {
	uid, name, again := vg.UID, client.ObjectKeyFromObject(vg), false
	return report.WriteAgain(func() error {
		if again {
			vg = &v1alpha1.VideoGeneration{}
			if err := r.Live.Get(ctx, name, vg); err != nil {
				return fmt.Errorf("reading the VideoGeneration past the cache: %w", err)
			}
			if vg.UID != uid {
				return nil // it was replaced
			}
		}
		again = true
		return r.writeOnce(ctx, vg, stored, failure)
	})
}

func (r *Reconciler) writeOnce(ctx context.Context, vg *v1alpha1.VideoGeneration, stored map[string]v1alpha1.Artifact, failure *transfer.StorageError) error {
	before, now := vg.DeepCopy(), r.Clock.Now()
	for url, object := range stored {
		state.MarkStored(vg, url, object)
	}
	setProgress(vg, failure, now)
	// Stored speaks of the generation that the reconciler of purchases has seen: it decides what is to be stored.
	state.SayStored(vg, state.SaysStored(vg), vg.Status.ObservedGeneration, now)
	if equality.Semantic.DeepEqual(before.Status, vg.Status) {
		return nil // with the lock, no patch is empty
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, vg, patch); err != nil {
		return fmt.Errorf("writing what is stored: %w", err)
	}
	report.AnnounceStoring(r.Recorder, before, vg)
	return nil
}

// setProgress says in the status how far the storing is, by what is stored.
func setProgress(vg *v1alpha1.VideoGeneration, failure *transfer.StorageError, now time.Time) {
	progress := vg.Status.Storage
	switch {
	case progress == nil: // nothing is to be stored any more; the artifacts are written all the same
	case progress.State != v1alpha1.StorageStoring:
	case len(state.Unstored(vg)) == 0:
		progress.State, progress.Failure = v1alpha1.StorageStored, nil
		progress.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
	case failure != nil:
		progress.Failure = &v1alpha1.StorageFailure{Reason: string(failure.Class), Message: state.BoundedMessage(failure.Message)}
		if !now.Before(state.LastExpiry(vg)) {
			progress.State = v1alpha1.StorageFailed
			progress.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
		}
	}
}
