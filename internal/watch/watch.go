// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package watch

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// SetUp starts a reconciler with the manager. The first of the watches has to be
// that of the kind that it reconciles.
func SetUp(mgr ctrl.Manager, name string, watches []Watch, options controller.Options, with reconcile.Reconciler, sources ...source.Source) error {
	b := ctrl.NewControllerManagedBy(mgr).Named(name).WithOptions(options).
		For(watches[0].Of, builder.WithPredicates(watches[0].Predicates...))
	for _, w := range watches[1:] {
		b.Watches(w.Of, w.Handler, builder.WithPredicates(w.Predicates...))
	}
	for _, s := range sources {
		b.WatchesRawSource(s)
	}
	return b.Complete(with)
}

// Watch says which changes of a kind make a reconciler reconcile, and what.
type Watch struct {
	Of         client.Object
	Handler    handler.EventHandler
	Predicates []predicate.Predicate
}

// Itself is the watch that has the changed object itself reconciled.
func Itself(of client.Object, predicates ...predicate.Predicate) Watch {
	return Watch{Of: of, Handler: &handler.EnqueueRequestForObject{}, Predicates: predicates}
}
