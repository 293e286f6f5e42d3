// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/state"
)

// store notes that finished videos are to be stored, where there is storage for
// them. The reconciler of package storage stores them, so that nothing here waits for
// a download.
//
// When it lets the next step go on, the status says whether a video is still to
// be stored. The condition Stored says so in the same write.
func (r *Reconciler) store(ctx context.Context, l *scope) (bool, error) {
	vg := l.vg
	if !state.HasVideos(vg) {
		return false, nil
	}
	progress, account := vg.Status.Storage, l.asks
	if account == nil && state.StorageUnfinished(vg) {
		// Also an account to which no API key is sent says where to store, or no more.
		var err error
		if account, err = accounts.Named(ctx, r.Client, vg.Status.Account); err != nil {
			return true, err
		}
	}
	p, named := state.LocationOf(vg, account)
	switch {
	case progress == nil:
		// A KieAccount that gets storage does not reach back to what was finished before, and nobody to what KIE.AI
		// has deleted.
		finishedBefore := state.HasVideos(l.stored) && state.IsFinished(l.stored)
		if named && (state.HasOwnStorage(vg) || !finishedBefore) && r.Clock.Now().Before(state.LastExpiry(vg)) {
			vg.Status.Storage = &v1alpha1.StorageProgress{State: v1alpha1.StorageStoring, URL: p.Text()}
		}
	case progress.State == v1alpha1.StorageStored && len(state.Unstored(vg)) > 0:
		// The larger version has come.
		*progress = v1alpha1.StorageProgress{State: v1alpha1.StorageStoring, URL: progress.URL}
	case progress.State == v1alpha1.StorageStored:
	case named && progress.State == v1alpha1.StorageStoring:
		progress.URL = p.Text()
	case !named && account != nil:
		vg.Status.Storage = nil // nobody wants it any more
		r.StopStoring(vg.UID)
	}
	return false, nil
}

// summarize makes the conditions say what the status says, and what is waited for.
func (l *scope) summarize(now time.Time) {
	state.Summarize(l.vg, l.wait, now)
	state.SayStored(l.vg, l.awaitsStorage(), l.vg.Generation, now)
}

// awaitsStorage reports whether a video that is on its way is to be stored. While
// the account is not known that may say so, what was said stays.
func (l *scope) awaitsStorage() bool {
	if !meta.IsStatusConditionPresentAndEqual(l.vg.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionUnknown) {
		return false
	}
	if l.asks == nil && !state.HasOwnStorage(l.vg) {
		return state.SaysStored(l.vg)
	}
	_, named := state.LocationOf(l.vg, l.asks)
	return named
}
