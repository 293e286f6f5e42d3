// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// The secrets that no log may show begin with one of these texts.
const (
	canaryAPIKey  = "chaos-canary-api-key-"
	canaryHMACKey = "chaos-canary-hmac-key-"
	canaryPrompt  = "chaos-canary-prompt"
)

// KIE.AI's rate, which is the default of an account's limits.
const (
	maxSubmissions   = 20
	submissionWindow = 10 * time.Second
)

// leastAccounts is how many it takes to have one of each sort.
const leastAccounts = 12

// sort says what is special about an account.
type sort int

const (
	ordinary sort = iota
	// inBucket keeps its videos in S3, inFolder in a folder.
	inBucket
	inFolder
	// budgeted may spend only so much in a period.
	budgeted
)

// sortOf is the sort of the account of a number.
func sortOf(i int) sort {
	switch {
	case i%10 == 3:
		return inBucket
	case i%20 == 7:
		return inFolder
	case i%20 == 11:
		return budgeted
	default:
		return ordinary
	}
}

// stores reports whether videos of the account are stored.
func (s sort) stores() bool { return s == inBucket || s == inFolder }

// account is a KieAccount and the KIE.AI that it buys from. Each has its own, so
// that the submissions of one are not counted as those of another.
type account struct {
	name      string
	sort      sort
	sim       *kiesim.Simulator
	receivers *receivers
	// budget is how many credits it may spend in a period; none for any number.
	budget credits.Amount
}

func accountName(i int) string { return fmt.Sprintf("account-%02d", i) }

// startAccounts starts a KIE.AI for each account, and creates the accounts and
// their Secrets.
func startAccounts(ctx context.Context, users client.Client, o options, b *buckets, g *gates) ([]*account, error) {
	accounts := make([]*account, o.accounts)
	for i := range accounts {
		a := &account{name: accountName(i), sort: sortOf(i), receivers: newReceivers()}
		apiKey, hmacKey := canaryAPIKey+a.name, canaryHMACKey+a.name
		a.sim = kiesim.New(kiesim.Options{
			APIKey: apiKey, WebhookHMACKey: hmacKey, Latency: 5 * time.Second, Credits: 1e7,
			RateLimit: maxSubmissions, RateWindow: submissionWindow, HTTPClient: a.receivers.client(),
		})
		address, err := testenv.Serve(ctx, g.before(a.name, a.sim, a.receivers))
		if err != nil {
			return nil, err
		}
		go func() { _ = a.sim.Run(ctx) }()
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: a.name},
			StringData: map[string]string{v1alpha1.SecretKeyAPIKey: apiKey, v1alpha1.SecretKeyWebhookHMACKey: hmacKey},
		}
		resource := a.resource(address, b)
		if a.sort == budgeted {
			resource.Spec.Budget = o.budget()
			if a.budget, err = credits.Parse(resource.Spec.Budget.Credits); err != nil {
				return nil, fmt.Errorf("the budget of the account %s: %w", a.name, err)
			}
		}
		for _, object := range []client.Object{secret, resource} {
			if err := users.Create(ctx, object); err != nil {
				return nil, fmt.Errorf("creating the account %s: %w", a.name, err)
			}
		}
		accounts[i] = a
	}
	return accounts, nil
}

// key is the name of the KieAccount.
func (a *account) key() types.NamespacedName {
	return types.NamespacedName{Namespace: testenv.OperatorNamespace, Name: a.name}
}

// resource is the KieAccount.
func (a *account) resource(address string, b *buckets) *v1alpha1.KieAccount {
	return &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: a.name},
		Spec: v1alpha1.KieAccountSpec{
			CredentialsSecretRef: v1alpha1.SecretReference{Name: a.name},
			BaseURL:              address,
			UploadBaseURL:        address,
			AllowedNamespaces:    v1alpha1.AllowedNamespaces{From: v1alpha1.NamespacesAll},
			Limits: v1alpha1.AccountLimits{
				Submissions: maxSubmissions, Window: metav1.Duration{Duration: submissionWindow}, InFlight: 1000,
			},
			Storage: b.storage(a.sort),
		},
	}
}

// budget is the budget of an account. Its period is so short that a run has several,
// and it has three fifths of what the load asks for: some videos of each period wait
// for a later one, and all come to rest in the end.
func (o options) budget() *v1alpha1.Budget {
	period := min(max(o.duration/2, time.Minute), 5*time.Minute).Truncate(time.Minute)
	asked := o.perSecond / float64(o.accounts) * period.Seconds() * litePrice
	limit := credits.Of(max(int64(asked*3/5), 2*litePrice))
	return &v1alpha1.Budget{Credits: limit.String(), Period: metav1.Duration{Duration: period}}
}

// litePrice is what the videos of accounts with a budget cost, in credits.
const litePrice = 30
