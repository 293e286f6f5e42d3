// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/controllers/generation"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
)

// Options are what the command line decides for the controllers, and what they
// share with the callback server.
type Options struct {
	// Credentials are the API keys of the accounts, which the callback server reads too.
	Credentials *credentials.Store
	Clock       clock.PassiveClock
	// Metrics is where the metrics are registered.
	Metrics prometheus.Registerer
	// OperatorNamespace is where the KieAccounts of administrators are, and the default one for all namespaces.
	OperatorNamespace string
	// AllowPrivateNetworks sends API keys over plain http, and fetches from private addresses: for development.
	AllowPrivateNetworks bool
	// CallbackBaseURL is where KIE.AI reaches the callback server; empty means polling only.
	CallbackBaseURL string
	// RecoveryWindow is how long the callback of a lost purchase is waited for.
	RecoveryWindow time.Duration
	// FileStorageRoot is the folder below which videos can be stored; empty means none.
	FileStorageRoot string
	// Reconciles is how many VideoGenerations are reconciled at a time, Downloads how many have their videos stored
	// at a time.
	Reconciles, Downloads int
}

// parts are what the reconcilers share.
type parts struct {
	mgr       ctrl.Manager
	options   Options
	ledger    *admission.Ledger
	metrics   *report.Metrics
	kie       *kie.Client
	fetcher   *fetch.Fetcher
	recorder  events.EventRecorder
	triggers  accountctl.Triggers
	transfers *storagectl.Transfers
	locations *storagectl.Locations
}

// Setup adds the controllers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if err := Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if err := o.Metrics.Register(storagectl.NewExpiring(mgr.GetCache(), o.Clock)); err != nil {
		return fmt.Errorf("registering the metric of videos that expire: %w", err)
	}
	p := &parts{
		mgr:       mgr,
		options:   o,
		ledger:    admission.NewLedger(o.Clock),
		metrics:   report.NewMetrics(o.Metrics),
		kie:       kie.NewClient(),
		fetcher:   fetch.NewFetcher(o.AllowPrivateNetworks),
		recorder:  mgr.GetEventRecorder("kie-operator"),
		triggers:  accountctl.NewTriggers(),
		transfers: storagectl.NewTransfers(),
		locations: &storagectl.Locations{
			Live:              mgr.GetAPIReader(),
			Storage:           bucket.NewStorage(bucket.StorageOptions{AllowPrivate: o.AllowPrivateNetworks, FileRoot: o.FileStorageRoot}),
			OperatorNamespace: o.OperatorNamespace,
		},
	}
	for _, controller := range []struct {
		name  string
		start func() error
	}{
		{"VideoGeneration", p.startGeneration},
		{"storage", p.startStorage},
		{"release", p.startRelease},
		{"KieAccount", p.startAccount},
	} {
		if err := controller.start(); err != nil {
			return fmt.Errorf("preparing the %s controller: %w", controller.name, err)
		}
	}
	return nil
}

func (p *parts) startGeneration() error {
	r := &generation.Reconciler{
		Client:            p.mgr.GetClient(),
		Live:              p.mgr.GetAPIReader(),
		Credentials:       p.options.Credentials,
		KIE:               p.kie,
		Fetcher:           p.fetcher,
		Ledger:            p.ledger,
		Clock:             p.options.Clock,
		Recorder:          p.recorder,
		Metrics:           p.metrics,
		StopStoring:       func(resource types.UID) { p.transfers.Stop(resource) },
		CheckAccount:      p.triggers.Trigger,
		OperatorNamespace: p.options.OperatorNamespace,
		AllowInsecure:     p.options.AllowPrivateNetworks,
		CallbackBaseURL:   p.options.CallbackBaseURL,
		RecoveryWindow:    p.options.RecoveryWindow,
		PersistBackoff:    generation.DefaultPersistBackoff,
	}
	return r.SetupWithManager(p.mgr, p.options.Reconciles)
}

func (p *parts) startStorage() error {
	r := &storagectl.Reconciler{
		Client:        p.mgr.GetClient(),
		Live:          p.mgr.GetAPIReader(),
		Locations:     p.locations,
		Transfers:     p.transfers,
		Fetcher:       p.fetcher,
		Credentials:   p.options.Credentials,
		KIE:           p.kie,
		Clock:         p.options.Clock,
		Recorder:      p.recorder,
		Metrics:       p.metrics,
		AllowInsecure: p.options.AllowPrivateNetworks,
	}
	return r.SetupWithManager(p.mgr, p.options.Downloads)
}

func (p *parts) startRelease() error {
	r := &storagectl.Releaser{
		Client:    p.mgr.GetClient(),
		Locations: p.locations,
		Transfers: p.transfers,
		Clock:     p.options.Clock,
		Recorder:  p.recorder,
	}
	return r.SetupWithManager(p.mgr)
}

func (p *parts) startAccount() error {
	r := &accountctl.Reconciler{
		Client:          p.mgr.GetClient(),
		Credentials:     p.options.Credentials,
		KIE:             p.kie,
		Ledger:          p.ledger,
		Clock:           p.options.Clock,
		Metrics:         p.metrics,
		CallbackBaseURL: p.options.CallbackBaseURL,
		AllowInsecure:   p.options.AllowPrivateNetworks,
	}
	return r.SetupWithManager(p.mgr, p.triggers)
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
