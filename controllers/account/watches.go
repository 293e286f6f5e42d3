// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"slices"

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

// Watches says which changes make it reconcile, and what.
func (r *Reconciler) Watches() []watch.Watch {
	return []watch.Watch{
		watch.Itself(&v1alpha1.KieAccount{}),
		{Of: &v1alpha1.VideoGeneration{}, Handler: recountAccounts()},
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
		return []any{vg.Status.Account, state.IsQueued(vg), state.AtWork(vg)}
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
