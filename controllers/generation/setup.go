// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kie-operator/kie-operator/internal/watch"
)

// DefaultPersistBackoff writes a task id again for about 6 seconds; after that
// the workqueue goes on.
var DefaultPersistBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 7}

// SetupWithManager starts the reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	return watch.SetUp(mgr, "videogeneration", r.Watches(), controller.Options{
		MaxConcurrentReconciles: concurrency,
		// The id of a bought task may be in memory only: it is not left there for long when the API server is back.
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](100*time.Millisecond, 30*time.Second),
	}, r)
}

// Init makes the reconciler ready for use without a manager.
func (r *Reconciler) Init() {
	r.product = veoVideo{}
}
