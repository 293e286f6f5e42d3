// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// What must not be found in a log begins with one of these.
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

// account is a KieAccount and the KIE.AI that it buys from. Each has its own, so
// that the submissions of one are not counted as those of another.
type account struct {
	name      string
	sim       *kiesim.Simulator
	receivers *receivers
}

func accountName(i int) string { return fmt.Sprintf("account-%02d", i) }

// startAccounts starts a KIE.AI for each account, and creates the accounts and
// their Secrets.
func startAccounts(ctx context.Context, users client.Client, n int) ([]*account, error) {
	accounts := make([]*account, n)
	for i := range accounts {
		a := &account{name: accountName(i), receivers: newReceivers()}
		apiKey, hmacKey := canaryAPIKey+a.name, canaryHMACKey+a.name
		a.sim = kiesim.New(kiesim.Options{
			APIKey: apiKey, WebhookHMACKey: hmacKey, Latency: 5 * time.Second, Credits: 1e7,
			RateLimit: maxSubmissions, RateWindow: submissionWindow, HTTPClient: a.receivers.client(),
		})
		address, err := testenv.Serve(ctx, a.sim)
		if err != nil {
			return nil, err
		}
		go func() { _ = a.sim.Run(ctx) }()
		for _, object := range []client.Object{
			&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: a.name},
				StringData: map[string]string{v1alpha1.SecretKeyAPIKey: apiKey, v1alpha1.SecretKeyWebhookHMACKey: hmacKey},
			},
			&v1alpha1.KieAccount{
				ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: a.name},
				Spec: v1alpha1.KieAccountSpec{
					CredentialsSecretRef: v1alpha1.SecretReference{Name: a.name},
					BaseURL:              address,
					UploadBaseURL:        address,
					AllowedNamespaces:    v1alpha1.AllowedNamespaces{From: v1alpha1.NamespacesAll},
					Limits: v1alpha1.AccountLimits{
						Submissions: maxSubmissions, Window: metav1.Duration{Duration: submissionWindow}, InFlight: 1000,
					},
				},
			},
		} {
			if err := users.Create(ctx, object); err != nil {
				return nil, fmt.Errorf("creating the account %s: %w", a.name, err)
			}
		}
		accounts[i] = a
	}
	return accounts, nil
}

// receivers notes how each try of a callback was answered, by the last part of
// its URL, which is the attempt. A try without an answer is noted as 0.
type receivers struct {
	mu      sync.Mutex
	answers map[string][]int
}

func newReceivers() *receivers { return &receivers{answers: map[string][]int{}} }

// client sends callbacks: KIE.AI follows no redirects.
func (r *receivers) client() *http.Client {
	return &http.Client{Transport: r, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip implements http.RoundTripper.
func (r *receivers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	status := 0
	if err == nil {
		status = response.StatusCode
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	attempt := path.Base(request.URL.Path)
	r.answers[attempt] = append(r.answers[attempt], status)
	return response, err
}

// answersTo returns the answers to the callbacks of an attempt.
func (r *receivers) answersTo(attempt string) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.answers[attempt]...)
}
