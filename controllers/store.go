// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// store notes that finished videos are to be stored, where there is storage for
// them. The StorageReconciler does it, so that nothing here waits for a download.
//
// When it lets the next step go on, the status says whether a video is still to
// be stored. Stored says so in the same write.
func (r *VideoGenerationReconciler) store(ctx context.Context, l *scope) (bool, error) {
	vg := l.vg
	if !hasVideos(vg) {
		return false, nil
	}
	progress, account := vg.Status.Storage, l.account
	if account == nil && storageUnfinished(vg) {
		// Also an account to which no API key is sent says where to store, or no more.
		var err error
		if account, err = accountOfStatus(ctx, r.Client, vg); err != nil {
			return true, err
		}
	}
	p, named := locationOf(vg, account)
	switch {
	case progress == nil:
		// A KieAccount that gets storage does not reach back to what was finished before, and nobody to what KIE.AI
		// has deleted.
		finishedBefore := hasVideos(l.stored) && isFinished(l.stored)
		if named && (hasOwnStorage(vg) || !finishedBefore) && r.Clock.Now().Before(lastExpiry(vg)) {
			vg.Status.Storage = &v1alpha1.StorageProgress{State: v1alpha1.StorageStoring, URL: p.text()}
		}
	case progress.State == v1alpha1.StorageStored && len(unstored(vg)) > 0:
		// The larger version has come.
		*progress = v1alpha1.StorageProgress{State: v1alpha1.StorageStoring, URL: progress.URL}
	case progress.State == v1alpha1.StorageStored:
	case named && progress.State == v1alpha1.StorageStoring:
		progress.URL = p.text()
	case !named && account != nil:
		vg.Status.Storage = nil // nobody wants it any more
		r.StopStoring(vg.UID)
	}
	return false, nil
}

// summarize makes the conditions say what the status says, and what is waited for.
func (l *scope) summarize(now time.Time) {
	summarize(l.vg, l.wait, now)
	sayStored(l.vg, l.awaitsStorage(), l.vg.Generation, now)
}

// awaitsStorage reports whether a video that is on its way is to be stored. While
// the account is not known that may say so, what was said stays.
func (l *scope) awaitsStorage() bool {
	if !meta.IsStatusConditionPresentAndEqual(l.vg.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionUnknown) {
		return false
	}
	if l.account == nil && !hasOwnStorage(l.vg) {
		return saysStored(l.vg)
	}
	_, named := locationOf(l.vg, l.account)
	return named
}

// hasVideos reports whether there are finished videos, which can be stored.
func hasVideos(vg *v1alpha1.VideoGeneration) bool {
	return vg.Status.Task != nil && vg.Status.Task.State == v1alpha1.TaskSucceeded && len(vg.Status.Videos) > 0
}

// storagePending reports whether a finished video is still to be stored.
func storagePending(vg *v1alpha1.VideoGeneration) bool {
	return hasVideos(vg) && vg.Status.Storage != nil && vg.Status.Storage.State == v1alpha1.StorageStoring
}

// storageUnfinished reports whether a video is not stored that should be, now or
// for ever.
func storageUnfinished(vg *v1alpha1.VideoGeneration) bool {
	return storagePending(vg) || (vg.Status.Storage != nil && vg.Status.Storage.State == v1alpha1.StorageFailed)
}
