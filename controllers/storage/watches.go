// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/watch"
)

// Watches says which changes make it reconcile, and what.
func (r *Reconciler) Watches() []watch.Watch {
	hasStorage := predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.(*v1alpha1.VideoGeneration).Status.Storage != nil || controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)
	})
	return []watch.Watch{
		watch.Itself(&v1alpha1.VideoGeneration{}, hasStorage),
		{Of: &v1alpha1.KieAccount{}, Handler: handler.EnqueueRequestsFromMapFunc(r.storedWith), Predicates: []predicate.Predicate{predicate.GenerationChangedPredicate{}}},
	}
}

// Watches says which changes make it reconcile, and what.
func (r *Releaser) Watches() []watch.Watch {
	leaving := predicate.NewPredicateFuncs(func(o client.Object) bool { return !o.GetDeletionTimestamp().IsZero() })
	return []watch.Watch{watch.Itself(&v1alpha1.VideoGeneration{}, leaving)}
}

// storedWith lists the resources whose videos are stored, or to be stored, where
// an account says.
func (r *Reconciler) storedWith(ctx context.Context, account client.Object) []ctrl.Request {
	var view v1alpha1.VideoGenerationList
	err := r.Client.List(ctx, &view, client.MatchingFields{accounts.IndexAccount: client.ObjectKeyFromObject(account).String()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil // each tries again on its own schedule
	}
	var requests []ctrl.Request
	for i := range view.Items {
		if vg := &view.Items[i]; vg.Status.Storage != nil && !state.HasOwnStorage(vg) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
		}
	}
	return requests
}
