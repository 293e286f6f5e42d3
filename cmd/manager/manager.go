// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	apiruntime "k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/controllers"
	"github.com/kie-operator/kie-operator/internal/callback"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/version"
)

const (
	// leaderElectionID is the name of the leader's lease.
	leaderElectionID = "manager.kie-operator.github.io"
	// shutdownTimeout is longer than a purchase and the writes after it (20 s + 10 s), and shorter than the
	// grace period of the pod (60 s).
	shutdownTimeout = 45 * time.Second
)

func scheme() *apiruntime.Scheme {
	s := apiruntime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// start runs the operator until ctx ends.
func start(ctx context.Context, o options) error {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	logger := ctrl.Log.WithName("setup")

	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	cfg.QPS = -1 // the API server's priority and fairness limits better than a guess made here
	informers := &callback.Informers{}
	options := managerOptions(o)
	options.Cache.NewInformer = informers.NewInformer
	mgr, err := ctrl.NewManager(cfg, options)
	if err != nil {
		return fmt.Errorf("preparing the manager: %w", err)
	}
	if err := addParts(ctx, mgr, informers, o); err != nil {
		return err
	}
	if o.callbackBaseURL == "" {
		logger.Info("Polling only: without --callback-base-url KIE.AI cannot call back, and a purchase whose answer is lost cannot be recovered")
	}
	logger.Info("Starting", "version", version.Get().String(), "operatorNamespace", o.operatorNamespace, "callbackBaseURL", o.callbackBaseURL)
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}

func managerOptions(o options) ctrl.Options {
	options := ctrl.Options{
		Scheme:                  scheme(),
		HealthProbeBindAddress:  o.healthProbeBindAddress,
		LeaderElection:          o.leaderElect,
		LeaderElectionID:        leaderElectionID,
		LeaderElectionNamespace: o.leaderElectionNamespace,
		// Giving the lease back is safe: it happens after the controllers have stopped, and the process ends then.
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       ptr.To(shutdownTimeout),
		Metrics: metricsserver.Options{
			BindAddress:    o.metricsBindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
	}
	if len(o.watchNamespaces) > 0 {
		watched := map[string]cache.Config{}
		for _, namespace := range o.watchNamespaces {
			watched[namespace] = cache.Config{}
		}
		options.Cache.DefaultNamespaces = watched
		accounts := map[string]cache.Config{o.operatorNamespace: {}}
		for namespace := range watched {
			accounts[namespace] = cache.Config{}
		}
		options.Cache.ByObject = map[client.Object]cache.ByObject{&v1alpha1.KieAccount{}: {Namespaces: accounts}}
	}
	return options
}

// addParts adds the parts of the operator to the manager: the controllers, the
// callback server and the probes.
func addParts(ctx context.Context, mgr ctrl.Manager, informers *callback.Informers, o options) error {
	if err := callback.IndexAttempts(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if _, err := mgr.GetCache().GetInformer(ctx, &v1alpha1.KieAccount{}); err != nil {
		return fmt.Errorf("watching KieAccounts: %w", err)
	}
	clk := clock.RealClock{}
	secrets := credentials.NewStore(mgr.GetAPIReader(), clk)
	err := controllers.Setup(ctx, mgr, controllers.Options{
		Credentials:          secrets,
		Clock:                clk,
		Metrics:              metrics.Registry,
		OperatorNamespace:    o.operatorNamespace,
		AllowPrivateNetworks: o.allowPrivateNetworks,
		CallbackBaseURL:      o.callbackBaseURL,
		RecoveryWindow:       o.submissionRecoveryWindow,
		FileStorageRoot:      o.fileStorageRoot,
		Reconciles:           o.maxConcurrentReconciles,
		Downloads:            o.maxConcurrentDownloads,
	})
	if err != nil {
		return err
	}
	if o.callbackBindAddress != disabled {
		log := ctrl.Log.WithName("callback")
		server := callback.NewServer(callback.ServerOptions{
			BindAddress:       o.callbackBindAddress,
			CertificateFolder: o.callbackCertPath,
			Handler: callback.NewHandler(callback.Options{
				Reader:      mgr.GetCache(),
				Informers:   informers,
				APIReader:   mgr.GetAPIReader(),
				Writer:      mgr.GetClient().Status(),
				Credentials: secrets,
				Clock:       clk,
				Registerer:  metrics.Registry,
				Log:         log,
			}),
			Log: log,
		})
		if err := mgr.Add(server); err != nil {
			return fmt.Errorf("preparing the callback server: %w", err)
		}
		if err := mgr.AddReadyzCheck("callbacks", server.Ready); err != nil {
			return fmt.Errorf("preparing the probes: %w", err)
		}
	}
	if err := mgr.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return fmt.Errorf("preparing the probes: %w", err)
	}
	if err := mgr.AddReadyzCheck("caches", cacheSynced(mgr.GetCache())); err != nil {
		return fmt.Errorf("preparing the probes: %w", err)
	}
	return nil
}
