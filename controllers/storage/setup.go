// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kie-operator/kie-operator/internal/watch"
)

// SetupWithManager starts the reconciler with the manager. concurrency is how many
// resources have their videos stored at a time.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	r.workers = concurrency
	return watch.SetUp(mgr, "storage", r.Watches(), controller.Options{MaxConcurrentReconciles: concurrency}, r)
}

// SetupWithManager starts the reconciler with the manager.
func (r *Releaser) SetupWithManager(mgr ctrl.Manager) error {
	r.Init()
	return watch.SetUp(mgr, "release", r.Watches(), controller.Options{MaxConcurrentReconciles: releaseWorkers}, r)
}
