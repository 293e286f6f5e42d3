// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// paidFirst looks at what is paid for before everything else.
func paidFirst() handler.EventHandler {
	look := func(o client.Object, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		vg := o.(*v1alpha1.VideoGeneration)
		priority := state.PriorityOf(vg)
		if inPriority, ok := q.(priorityqueue.PriorityQueue[ctrl.Request]); ok && priority != state.OtherPriority {
			inPriority.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			look(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			look(e.ObjectNew, q)
		},
	}
}
