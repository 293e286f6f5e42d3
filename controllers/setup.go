// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// DefaultPersistBackoff writes a task id again for about 6 seconds; after that
// the workqueue goes on.
var DefaultPersistBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 7}

// Index adds the field index that the controllers list by.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, indexAccount, func(o client.Object) []string {
		if account := o.(*v1alpha1.VideoGeneration).Status.Account; account != "" {
			return []string{account}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing VideoGenerations by account: %w", err)
	}
	err = indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, indexSource, func(o client.Object) []string {
		if extend := o.(*v1alpha1.VideoGeneration).Spec.Extend; extend != nil {
			return []string{extend.From.Name}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing VideoGenerations by what they continue: %w", err)
	}
	return nil
}

// Pokes carries accounts that are to be looked at now. It never blocks: one
// that is not taken is looked at on schedule.
type Pokes chan event.TypedGenericEvent[types.NamespacedName]

// NewPokes returns room for a burst of pokes.
func NewPokes() Pokes { return make(Pokes, 64) }

// Poke asks for a look at the account.
func (p Pokes) Poke(account types.NamespacedName) {
	select {
	case p <- event.TypedGenericEvent[types.NamespacedName]{Object: account}:
	default:
	}
}

// SetupWithManager starts the reconciler with the manager.
func (r *VideoGenerationReconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	return ctrl.NewControllerManagedBy(mgr).
		Named("videogeneration").
		For(&v1alpha1.VideoGeneration{}).
		Watches(&v1alpha1.VideoGeneration{}, paidFirst()).
		Watches(&v1alpha1.VideoGeneration{}, r.wakeQueue()).
		Watches(&v1alpha1.VideoGeneration{}, handler.EnqueueRequestsFromMapFunc(r.extensionsOf)).
		Watches(&v1alpha1.KieAccount{}, r.wakeAccount()).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			// The id of a bought task may be in memory only: it is not left there for long when the API server is back.
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](100*time.Millisecond, 30*time.Second),
		}).
		Complete(r)
}

// Init makes the reconciler ready for use without a manager.
func (r *VideoGenerationReconciler) Init() {
	r.memory = newMemory()
}

// What is paid for and not finished is looked at before everything else: there
// may be a thousand videos to buy behind it, and always new ones. Without that,
// a process that begins to lead would even leave it for last, as it does with
// all that it finds (handler.LowPriority).
const paidPriority, otherPriority = 10, 0

// priorityOf is the priority of a look at the resource.
func priorityOf(vg *v1alpha1.VideoGeneration) int {
	if vg.Status.Task != nil && !needsPurchase(vg) && !isFinished(vg) {
		return paidPriority
	}
	return otherPriority
}

// paidFirst looks at what is paid for before everything else.
func paidFirst() handler.EventHandler {
	look := func(o client.Object, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		vg := o.(*v1alpha1.VideoGeneration)
		priority := priorityOf(vg)
		if inPriority, ok := q.(priorityqueue.PriorityQueue[ctrl.Request]); ok && priority != otherPriority {
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

// SetupWithManager starts the reconciler with the manager. At most so many
// resources have their videos stored at a time.
func (r *StorageReconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	r.workers = concurrency
	hasStorage := predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.(*v1alpha1.VideoGeneration).Status.Storage != nil || controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("storage").
		For(&v1alpha1.VideoGeneration{}, builder.WithPredicates(hasStorage)).
		Watches(&v1alpha1.KieAccount{}, handler.EnqueueRequestsFromMapFunc(r.storedWith), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Complete(r)
}

// SetupWithManager starts the reconciler with the manager.
func (r *ReleaseReconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Init()
	leaving := predicate.NewPredicateFuncs(func(o client.Object) bool { return !o.GetDeletionTimestamp().IsZero() })
	return ctrl.NewControllerManagedBy(mgr).
		Named("release").
		For(&v1alpha1.VideoGeneration{}, builder.WithPredicates(leaving)).
		WithOptions(controller.Options{MaxConcurrentReconciles: releaseWorkers}).
		Complete(r)
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

// SetupWithManager starts the reconciler with the manager.
func (r *KieAccountReconciler) SetupWithManager(mgr ctrl.Manager, pokes Pokes) error {
	r.Init()
	return ctrl.NewControllerManagedBy(mgr).
		Named("kieaccount").
		For(&v1alpha1.KieAccount{}).
		Watches(&v1alpha1.VideoGeneration{}, recountAccounts()).
		WatchesRawSource(source.Channel(pokes, handler.TypedFuncs[types.NamespacedName, ctrl.Request]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
				q.Add(ctrl.Request{NamespacedName: e.Object})
			},
		})).
		Complete(r)
}

// Init makes the reconciler ready for use without a manager.
func (r *KieAccountReconciler) Init() {
	r.checks = map[types.NamespacedName]check{}
}

// wakeQueue looks at the head of an account's queue when one of its videos
// leaves a place.
func (r *VideoGenerationReconciler) wakeQueue() handler.EventHandler {
	wake := func(ctx context.Context, left *v1alpha1.VideoGeneration, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		const others = 4 // should the first be unable to go on
		for _, name := range r.nextInQueue(ctx, left.Status.Account, 1+others) {
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
			r.farewell(gone)
		},
	}
}

// concerns reports whether a change of the account may bring the resource on:
// it is to be bought by it, or by one that is not known yet, or is at work.
func concerns(vg *v1alpha1.VideoGeneration, account string) bool {
	switch {
	case vg.Status.Task == nil:
		return true
	case vg.Status.Task.Settled() && isFinished(vg) && !wantsLinks(vg) && !storageUnfinished(vg):
		return false
	default:
		return vg.Status.Account == account || vg.Status.Account == ""
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
		key := client.ObjectKeyFromObject(account).String()
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
			if before.Generation != after.Generation || !equality.Semantic.DeepEqual(ready(before), ready(after)) {
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
		var last string
		for _, o := range objects {
			account := o.(*v1alpha1.VideoGeneration).Status.Account
			if key, ok := accountKey(account); ok && account != last {
				q.Add(ctrl.Request{NamespacedName: key})
			}
			last = account
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
