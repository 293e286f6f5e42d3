// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/controllers/generation"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/artifact"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
)

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
	ledger := admission.NewLedger(o.Clock)
	counts := report.NewMetrics(o.Metrics)
	kieClient := kie.NewClient()
	triggers := accountctl.NewTriggers()
	fetcher := artifact.NewFetcher(o.AllowPrivateNetworks)
	recorder := mgr.GetEventRecorder("kie-operator")
	transfers := storagectl.NewTransfers()
	places := &storagectl.Locations{
		Live:              mgr.GetAPIReader(),
		Storage:           artifact.NewStorage(artifact.StorageOptions{AllowPrivate: o.AllowPrivateNetworks, FileRoot: o.FileStorageRoot}),
		OperatorNamespace: o.OperatorNamespace,
	}
	if err := o.Metrics.Register(storagectl.NewExpiring(mgr.GetCache(), o.Clock)); err != nil {
		return fmt.Errorf("registering the metric of videos that expire: %w", err)
	}
	err := (&generation.Reconciler{
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
		PersistBackoff:    generation.DefaultPersistBackoff,
	}).SetupWithManager(mgr, o.Reconciles)
	if err != nil {
		return fmt.Errorf("preparing the VideoGeneration controller: %w", err)
	}
	err = (&storagectl.Reconciler{
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
	err = (&storagectl.Releaser{
		Client:    mgr.GetClient(),
		Locations: places,
		Transfers: transfers,
		Clock:     o.Clock,
		Recorder:  recorder,
	}).SetupWithManager(mgr)
	if err != nil {
		return fmt.Errorf("preparing the release controller: %w", err)
	}
	err = (&accountctl.Reconciler{
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
	err := indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, accounts.IndexAccount, func(o client.Object) []string {
		if account := o.(*v1alpha1.VideoGeneration).Status.Account; !account.IsZero() {
			return []string{account.String()}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing VideoGenerations by account: %w", err)
	}
	err = indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, generation.IndexSource, func(o client.Object) []string {
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
