// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/artifact"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
)

var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// DefaultPersistBackoff writes a task id again for about 6 seconds; after that
// the workqueue goes on.
var DefaultPersistBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 7}

// Options is what the controllers need to know beside the cluster.
type Options struct {
	// Credentials are the API keys of the accounts, which the callback server reads too.
	Credentials *credentials.Store
	Clock       clock.PassiveClock
	// Metrics is where they are registered.
	Metrics prometheus.Registerer
	// OperatorNamespace is where the KieAccounts of administrators are, and the one of last resort.
	OperatorNamespace string
	// AllowPrivateNetworks sends API keys over plain http, and fetches from private addresses: for development.
	AllowPrivateNetworks bool
	// CallbackBaseURL is where KIE.AI reaches the callback server; empty means polling only.
	CallbackBaseURL string
	// RecoveryWindow is how long the callback of a lost purchase is waited for.
	RecoveryWindow time.Duration
	// FileStorageRoot is the folder below which videos can be stored; empty means none.
	FileStorageRoot string
	// Reconciles is how many VideoGenerations are looked at at a time, Downloads of how many videos are stored.
	Reconciles, Downloads int
}

// Setup adds the controllers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if err := Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	ledger := NewLedger(o.Clock)
	counts := NewMetrics(o.Metrics)
	kieClient := kie.NewClient()
	triggers := NewTriggers()
	fetcher := artifact.NewFetcher(o.AllowPrivateNetworks)
	recorder := mgr.GetEventRecorder("kie-operator")
	transfers := NewTransfers()
	places := &Locations{
		Live:              mgr.GetAPIReader(),
		Storage:           artifact.NewStorage(artifact.StorageOptions{AllowPrivate: o.AllowPrivateNetworks, FileRoot: o.FileStorageRoot}),
		OperatorNamespace: o.OperatorNamespace,
	}
	if err := o.Metrics.Register(NewExpiring(mgr.GetCache(), o.Clock)); err != nil {
		return fmt.Errorf("registering the metric of videos that expire: %w", err)
	}
	err := (&VideoGenerationReconciler{
		Client:            mgr.GetClient(),
		Live:              mgr.GetAPIReader(),
		Credentials:       o.Credentials,
		KIE:               kieClient,
		Fetcher:           fetcher,
		Ledger:            ledger,
		Clock:             o.Clock,
		Recorder:          recorder,
		Metrics:           counts,
		StopStoring:       func(resource types.UID) { transfers.Stop(resource) },
		CheckAccount:      triggers.Trigger,
		OperatorNamespace: o.OperatorNamespace,
		AllowInsecure:     o.AllowPrivateNetworks,
		CallbackBaseURL:   o.CallbackBaseURL,
		RecoveryWindow:    o.RecoveryWindow,
		PersistBackoff:    DefaultPersistBackoff,
	}).SetupWithManager(mgr, o.Reconciles)
	if err != nil {
		return fmt.Errorf("preparing the VideoGeneration controller: %w", err)
	}
	err = (&StorageReconciler{
		Client:        mgr.GetClient(),
		Live:          mgr.GetAPIReader(),
		Locations:     places,
		Transfers:     transfers,
		Fetcher:       fetcher,
		Credentials:   o.Credentials,
		KIE:           kieClient,
		Clock:         o.Clock,
		Recorder:      recorder,
		Metrics:       counts,
		AllowInsecure: o.AllowPrivateNetworks,
	}).SetupWithManager(mgr, o.Downloads)
	if err != nil {
		return fmt.Errorf("preparing the storage controller: %w", err)
	}
	err = (&ReleaseReconciler{
		Client:    mgr.GetClient(),
		Locations: places,
		Transfers: transfers,
		Clock:     o.Clock,
		Recorder:  recorder,
	}).SetupWithManager(mgr)
	if err != nil {
		return fmt.Errorf("preparing the release controller: %w", err)
	}
	err = (&KieAccountReconciler{
		Client:          mgr.GetClient(),
		Credentials:     o.Credentials,
		KIE:             kieClient,
		Ledger:          ledger,
		Clock:           o.Clock,
		Metrics:         counts,
		CallbackBaseURL: o.CallbackBaseURL,
		AllowInsecure:   o.AllowPrivateNetworks,
	}).SetupWithManager(mgr, triggers)
	if err != nil {
		return fmt.Errorf("preparing the KieAccount controller: %w", err)
	}
	return nil
}

// Index adds the field index that the controllers list by.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, indexAccount, func(o client.Object) []string {
		if account := o.(*v1alpha1.VideoGeneration).Status.Account; !account.IsZero() {
			return []string{account.String()}
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

// Triggers carries accounts that are to be looked at now. It never blocks: one
// that is not taken is looked at on schedule.
type Triggers chan event.TypedGenericEvent[types.NamespacedName]

// NewTriggers returns room for a burst of them.
func NewTriggers() Triggers { return make(Triggers, 64) }

// Trigger asks for a look at the account.
func (p Triggers) Trigger(account types.NamespacedName) {
	select {
	case p <- event.TypedGenericEvent[types.NamespacedName]{Object: account}:
	default:
	}
}

// setUp starts a reconciler with the manager. The first of the watches is of the
// kind that it reconciles.
func setUp(mgr ctrl.Manager, name string, watches []watch, options controller.Options, with reconcile.Reconciler, sources ...source.Source) error {
	b := ctrl.NewControllerManagedBy(mgr).Named(name).WithOptions(options).
		For(watches[0].of, builder.WithPredicates(watches[0].predicates...))
	for _, w := range watches[1:] {
		b.Watches(w.of, w.handler, builder.WithPredicates(w.predicates...))
	}
	for _, s := range sources {
		b.WatchesRawSource(s)
	}
	return b.Complete(with)
}

// SetupWithManager starts the reconciler with the manager.
func (r *VideoGenerationReconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	return setUp(mgr, "videogeneration", r.watches(), controller.Options{
		MaxConcurrentReconciles: concurrency,
		// The id of a bought task may be in memory only: it is not left there for long when the API server is back.
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](100*time.Millisecond, 30*time.Second),
	}, r)
}

// Init makes the reconciler ready for use without a manager.
func (r *VideoGenerationReconciler) Init() {
	r.memory = newMemories()
}

// SetupWithManager starts the reconciler with the manager. At most so many
// resources have their videos stored at a time.
func (r *StorageReconciler) SetupWithManager(mgr ctrl.Manager, concurrency int) error {
	r.Init()
	r.workers = concurrency
	return setUp(mgr, "storage", r.watches(), controller.Options{MaxConcurrentReconciles: concurrency}, r)
}

// SetupWithManager starts the reconciler with the manager.
func (r *ReleaseReconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Init()
	return setUp(mgr, "release", r.watches(), controller.Options{MaxConcurrentReconciles: releaseWorkers}, r)
}

// SetupWithManager starts the reconciler with the manager.
func (r *KieAccountReconciler) SetupWithManager(mgr ctrl.Manager, triggers Triggers) error {
	r.Init()
	return setUp(mgr, "kieaccount", r.watches(), controller.Options{}, r,
		source.Channel(triggers, handler.TypedFuncs[types.NamespacedName, ctrl.Request]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
				q.Add(ctrl.Request{NamespacedName: e.Object})
			},
		}))
}

// Init makes the reconciler ready for use without a manager.
func (r *KieAccountReconciler) Init() {
	r.checks = map[types.NamespacedName]check{}
}
