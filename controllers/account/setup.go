// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kie-operator/kie-operator/internal/watch"
)

// SetupWithManager starts the reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, triggers Triggers) error {
	return watch.SetUp(mgr, "kieaccount", r.Watches(), controller.Options{}, r,
		source.Channel(triggers, handler.TypedFuncs[types.NamespacedName, ctrl.Request]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
				q.Add(ctrl.Request{NamespacedName: e.Object})
			},
		}))
}
