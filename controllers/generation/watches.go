// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/watch"
)

// Watches says which changes make the reconciler look, and at what.
func (r *Reconciler) Watches() []watch.Watch {
	return []watch.Watch{
		watch.Itself(&v1alpha1.VideoGeneration{}),
		{Of: &v1alpha1.VideoGeneration{}, Handler: paidFirst()},
		{Of: &v1alpha1.VideoGeneration{}, Handler: r.wakeQueue()},
		{Of: &v1alpha1.VideoGeneration{}, Handler: handler.EnqueueRequestsFromMapFunc(r.extensionsOf)},
		{Of: &v1alpha1.KieAccount{}, Handler: r.wakeAccount()},
	}
}

// wakeQueue looks at the head of an account's queue when one of its videos
// leaves a place.
func (r *Reconciler) wakeQueue() handler.EventHandler {
	wake := func(ctx context.Context, left *v1alpha1.VideoGeneration, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		const others = 4 // should the first be unable to go on
		for _, name := range r.nextInQueue(ctx, left.Status.Account.Key(), 1+others) {
			q.Add(ctrl.Request{NamespacedName: name})
		}
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			before, after := e.ObjectOld.(*v1alpha1.VideoGeneration), e.ObjectNew.(*v1alpha1.VideoGeneration)
			if state.AtWork(before) && !state.AtWork(after) {
				wake(ctx, before, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			gone := e.Object.(*v1alpha1.VideoGeneration)
			if state.AtWork(gone) {
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
	case state.NeedsPurchase(vg) || state.RetryPending(vg):
		// Which account is to buy, the spec says, or the default where it says nothing: not the one that bought before.
		ref := vg.Spec.AccountRef
		return ref == nil || account == types.NamespacedName{Namespace: cmp.Or(ref.Namespace, vg.Namespace), Name: ref.Name} || vg.Status.Account.Key() == account
	case vg.Status.Task.Settled() && state.IsFinished(vg) && !state.WantsLinks(vg) && !state.StorageUnfinished(vg):
		return false
	default:
		return vg.Status.Account.Key() == account || vg.Status.Account.IsZero()
	}
}

// extensionsOf lists the resources that wait for the video of this one.
func (r *Reconciler) extensionsOf(ctx context.Context, continued client.Object) []ctrl.Request {
	waiting, err := r.continuedBy(ctx, continued.(*v1alpha1.VideoGeneration))
	if err != nil {
		return nil // they look again by themselves
	}
	var requests []ctrl.Request
	for i := range waiting {
		if state.NeedsSource(&waiting[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&waiting[i])})
		}
	}
	return requests
}

// wakeAccount looks at the resources that an account's change may concern.
func (r *Reconciler) wakeAccount() handler.EventHandler {
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
