// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// IndexAccount is the field index of VideoGenerations by the account that pays, as
// namespace/name. It leaves the UID out: an account that is created again under
// its name takes over the VideoGenerations of the earlier one.
const IndexAccount = "status.account"

// Insecure says which address of the account would show its API key to the network.
func Insecure(account *v1alpha1.KieAccount, allowed bool) string {
	const why = " is plain http, which would show the API key to the network: use https, or run the operator with --allow-private-networks for development"
	isHTTPS := func(url string) bool { return strings.HasPrefix(strings.ToLower(url), "https://") }
	switch {
	case allowed:
		return ""
	case !isHTTPS(account.Spec.BaseURL):
		return "spec.baseURL" + why
	case account.Spec.UploadBaseURL != "" && !isHTTPS(account.Spec.UploadBaseURL):
		return "spec.uploadBaseURL" + why
	default:
		return ""
	}
}

// BalanceEveryBusy is how often the balance is asked for while videos are in
// flight, or the account is in trouble.
const BalanceEveryBusy = 10 * time.Second

// Allows reports whether resources in the namespace may use the account.
func Allows(ctx context.Context, reader client.Reader, account *v1alpha1.KieAccount, namespace string) (bool, error) {
	allowed := account.Spec.AllowedNamespaces
	switch {
	case account.Namespace == namespace, allowed.From == v1alpha1.NamespacesAll:
		return true, nil
	case allowed.From != v1alpha1.NamespacesSelector || allowed.Selector == nil:
		return false, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(allowed.Selector)
	if err != nil {
		return false, nil //nolint:nilerr // the account reconciler says so on the account
	}
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(NamespaceKind)
	err = reader.Get(ctx, types.NamespacedName{Name: namespace}, ns)
	switch {
	case apierrors.IsNotFound(err): // the cache does not have it yet
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the namespace: %w", err)
	}
	return selector.Matches(labels.Set(ns.Labels)), nil
}

// ReadyAccount reports whether the account can buy, and what a purchase waits for
// if it cannot.
func ReadyAccount(account *v1alpha1.KieAccount) (state.Wait, bool) {
	ready := meta.FindStatusCondition(account.Status.Conditions, v1alpha1.ConditionReady)
	name := account.Namespace + "/" + account.Name
	switch {
	case ready == nil || ready.ObservedGeneration != account.Generation:
		return state.Wait{Reason: v1alpha1.ReasonQueued, Message: fmt.Sprintf("KieAccount %s has not been checked yet", name)}, false
	case ready.Status != metav1.ConditionTrue:
		return state.Wait{Kind: state.Retrying, Reason: ready.Reason,
			Message: fmt.Sprintf("KieAccount %s cannot buy: see its Ready condition", name)}, false
	default:
		return state.Wait{}, true
	}
}

// Named reads the account that now has the name of another one, nil if there is none.
func Named(ctx context.Context, reader client.Reader, other v1alpha1.AccountIdentity) (*v1alpha1.KieAccount, error) {
	if other.IsZero() {
		return nil, nil
	}
	account := &v1alpha1.KieAccount{}
	switch err := reader.Get(ctx, other.Key(), account); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the account: %w", err)
	default:
		return account, nil
	}
}

// NamespaceKind is the kind of namespaces, of which only the metadata is read.
var NamespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// Endpoint is where the account is at KIE.AI, with its key.
func Endpoint(account *v1alpha1.KieAccount, apiKey string) kie.Endpoint {
	return kie.Endpoint{BaseURL: account.Spec.BaseURL, APIKey: apiKey}
}
