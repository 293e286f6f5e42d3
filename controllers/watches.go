// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// watch says which changes of a kind make a reconciler look, and at what.
type watch struct {
	of         client.Object
	handler    handler.EventHandler
	predicates []predicate.Predicate
}

// itself is the watch that looks at the object that has changed.
func itself(of client.Object, predicates ...predicate.Predicate) watch {
	return watch{of: of, handler: &handler.EnqueueRequestForObject{}, predicates: predicates}
}

func (r *VideoGenerationReconciler) watches() []watch {
	return []watch{
		itself(&v1alpha1.VideoGeneration{}),
		{of: &v1alpha1.VideoGeneration{}, handler: paidFirst()},
		{of: &v1alpha1.VideoGeneration{}, handler: r.wakeQueue()},
		{of: &v1alpha1.VideoGeneration{}, handler: handler.EnqueueRequestsFromMapFunc(r.extensionsOf)},
		{of: &v1alpha1.KieAccount{}, handler: r.wakeAccount()},
	}
}

func (r *StorageReconciler) watches() []watch {
	hasStorage := predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.(*v1alpha1.VideoGeneration).Status.Storage != nil || controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)
	})
	return []watch{
		itself(&v1alpha1.VideoGeneration{}, hasStorage),
		{of: &v1alpha1.KieAccount{}, handler: handler.EnqueueRequestsFromMapFunc(r.storedWith), predicates: []predicate.Predicate{predicate.GenerationChangedPredicate{}}},
	}
}

func (r *ReleaseReconciler) watches() []watch {
	leaving := predicate.NewPredicateFuncs(func(o client.Object) bool { return !o.GetDeletionTimestamp().IsZero() })
	return []watch{itself(&v1alpha1.VideoGeneration{}, leaving)}
}

func (r *KieAccountReconciler) watches() []watch {
	return []watch{
		itself(&v1alpha1.KieAccount{}),
		{of: &v1alpha1.VideoGeneration{}, handler: recountAccounts()},
	}
}

// storedWith lists the resources whose videos are stored, or to be stored, where
// an account says.
func (r *StorageReconciler) storedWith(ctx context.Context, account client.Object) []ctrl.Request {
	var view v1alpha1.VideoGenerationList
	err := r.Client.List(ctx, &view, client.MatchingFields{indexAccount: client.ObjectKeyFromObject(account).String()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil // they look again by themselves
	}
	var requests []ctrl.Request
	for i := range view.Items {
		if vg := &view.Items[i]; vg.Status.Storage != nil && !hasOwnStorage(vg) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
		}
	}
	return requests
}

// wakeQueue looks at the head of an account's queue when one of its videos
// leaves a place.
func (r *VideoGenerationReconciler) wakeQueue() handler.EventHandler {
	wake := func(ctx context.Context, left *v1alpha1.VideoGeneration, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		const others = 4 // should the first be unable to go on
		for _, name := range r.nextInQueue(ctx, left.Status.Account.Key(), 1+others) {
			q.Add(ctrl.Request{NamespacedName: name})
		}
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			before, after := e.ObjectOld.(*v1alpha1.VideoGeneration), e.ObjectNew.(*v1alpha1.VideoGeneration)
			if atWork(before) && !atWork(after) {
				wake(ctx, before, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			gone := e.Object.(*v1alpha1.VideoGeneration)
			if atWork(gone) {
				wake(ctx, gone, q)
			}
			r.announceDeletion(gone)
		},
	}
}

// concerns reports whether a change of the account may bring the resource on:
// it is to be bought by it, or by one that is not known yet, or is at work.
func concerns(vg *v1alpha1.VideoGeneration, account types.NamespacedName) bool {
	switch {
	case vg.Status.Task == nil:
		return true
	case needsPurchase(vg) || retryPending(vg):
		// Which account is to buy, the spec says, or the default where it says nothing: not the one that bought before.
		ref := vg.Spec.AccountRef
		return ref == nil || account == types.NamespacedName{Namespace: cmp.Or(ref.Namespace, vg.Namespace), Name: ref.Name} || vg.Status.Account.Key() == account
	case vg.Status.Task.Settled() && isFinished(vg) && !wantsLinks(vg) && !storageUnfinished(vg):
		return false
	default:
		return vg.Status.Account.Key() == account || vg.Status.Account.IsZero()
	}
}

// extensionsOf lists the resources that wait for the video of this one.
func (r *VideoGenerationReconciler) extensionsOf(ctx context.Context, continued client.Object) []ctrl.Request {
	waiting, err := r.continuedBy(ctx, continued.(*v1alpha1.VideoGeneration))
	if err != nil {
		return nil // they look again by themselves
	}
	var requests []ctrl.Request
	for i := range waiting {
		if needsSource(&waiting[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&waiting[i])})
		}
	}
	return requests
}

// wakeAccount looks at the resources that an account's change may concern.
func (r *VideoGenerationReconciler) wakeAccount() handler.EventHandler {
	wake := func(ctx context.Context, account client.Object, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		var view v1alpha1.VideoGenerationList
		if err := r.Client.List(ctx, &view, client.UnsafeDisableDeepCopy); err != nil {
			return // they look again by themselves
		}
		key := client.ObjectKeyFromObject(account)
		for i := range view.Items {
			vg := &view.Items[i]
			if concerns(vg, key) {
				q.Add(ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			wake(ctx, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			before, after := e.ObjectOld.(*v1alpha1.KieAccount), e.ObjectNew.(*v1alpha1.KieAccount)
			ready := func(a *v1alpha1.KieAccount) any {
				return meta.FindStatusCondition(a.Status.Conditions, v1alpha1.ConditionReady)
			}
			// A deletion and a creation that are seen together are an update to another UID.
			if before.UID != after.UID || before.Generation != after.Generation || !equality.Semantic.DeepEqual(ready(before), ready(after)) {
				wake(ctx, e.ObjectNew, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			wake(ctx, e.Object, q)
		},
	}
}

// recountAccounts looks at an account when its counts may have changed.
func recountAccounts() handler.EventHandler {
	recount := func(q workqueue.TypedRateLimitingInterface[ctrl.Request], objects ...client.Object) {
		var last types.NamespacedName
		for _, o := range objects {
			account := o.(*v1alpha1.VideoGeneration).Status.Account
			if key := account.Key(); !account.IsZero() && key != last {
				q.Add(ctrl.Request{NamespacedName: key})
			}
			last = account.Key()
		}
	}
	counts := func(o client.Object) []any {
		vg := o.(*v1alpha1.VideoGeneration)
		return []any{vg.Status.Account, isQueued(vg), atWork(vg)}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			recount(q, e.Object)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			if !slices.Equal(counts(e.ObjectOld), counts(e.ObjectNew)) {
				recount(q, e.ObjectOld, e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			recount(q, e.Object)
		},
	}
}
