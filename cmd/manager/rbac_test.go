// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// right is something that one can ask of the API server.
type right struct {
	verbs                                []string
	group, resource, subresource, inside string
}

func TestWhatTheOperatorMayDo(t *testing.T) {
	const own, other = testenv.OperatorNamespace, "default"
	everything := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	without := func(allowed ...string) (rest []string) {
		for _, verb := range everything {
			if !slices.Contains(allowed, verb) {
				rest = append(rest, verb)
			}
		}
		return rest
	}
	clients, err := kubernetes.NewForConfig(cluster(t).operator)
	if err != nil {
		t.Fatal(err)
	}
	check := func(r right, want bool) {
		for _, verb := range r.verbs {
			review, err := clients.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: verb, Group: r.group, Resource: r.resource, Subresource: r.subresource, Namespace: r.inside,
				}},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed != want {
				t.Errorf("%s %s/%s %s in %q: allowed is %t, want %t", verb, r.group, r.resource, r.subresource, r.inside, review.Status.Allowed, want)
			}
		}
	}
	for _, r := range []right{
		{[]string{"get", "list", "watch", "patch", "delete"}, "kie-operator.github.io", "videogenerations", "", other},
		{[]string{"patch"}, "kie-operator.github.io", "videogenerations", "status", other},
		{[]string{"get"}, "", "configmaps", "", other},
		{[]string{"get", "list", "watch"}, "kie-operator.github.io", "kieaccounts", "", other},
		{[]string{"patch"}, "kie-operator.github.io", "kieaccounts", "status", other},
		{[]string{"create", "patch"}, "events.k8s.io", "events", "", other},
		{[]string{"get", "list", "watch"}, "", "namespaces", "", ""},
		{[]string{"get"}, "", "secrets", "", own},
		{[]string{"get", "create", "update"}, "coordination.k8s.io", "leases", "", own},
	} {
		check(r, true)
	}
	for _, r := range []right{
		// Secrets: not those of others, and its own only one by one and by name.
		{everything, "", "secrets", "", other},
		{without("get"), "", "secrets", "", own},
		// Its own kinds: no resource is made, none is removed but one by one, no account is changed.
		{without("get", "list", "watch", "patch", "delete"), "kie-operator.github.io", "videogenerations", "", other},
		{without("get", "list", "watch"), "kie-operator.github.io", "kieaccounts", "", own},
		// Leases elsewhere.
		{everything, "coordination.k8s.io", "leases", "", other},
		{[]string{"delete", "list"}, "coordination.k8s.io", "leases", "", own},
		// Everything that is none of its business.
		{without("get"), "", "configmaps", "", other},
		{everything, "", "pods", "", own},
		{[]string{"create"}, "", "pods", "exec", own},
		{everything, "", "serviceaccounts", "", own},
		{[]string{"create"}, "", "serviceaccounts", "token", own},
		{without("get", "list", "watch"), "", "namespaces", "", ""},
		{everything, "", "nodes", "", ""},
		{everything, "apps", "deployments", "", own},
		{everything, "rbac.authorization.k8s.io", "clusterroles", "", ""},
		{everything, "rbac.authorization.k8s.io", "rolebindings", "", own},
		{everything, "apiextensions.k8s.io", "customresourcedefinitions", "", ""},
		{[]string{"get", "list", "watch", "delete"}, "events.k8s.io", "events", "", other},
		{[]string{"impersonate"}, "", "users", "", ""},
	} {
		check(r, false)
	}
}

// The API server means what it says.
func TestSecretsOfOthersAreRefused(t *testing.T) {
	asAdmin, err := kubernetes.NewForConfig(cluster(t).admin)
	if err != nil {
		t.Fatal(err)
	}
	asOperator, err := kubernetes.NewForConfig(cluster(t).operator)
	if err != nil {
		t.Fatal(err)
	}
	for namespace, allowed := range map[string]bool{testenv.OperatorNamespace: true, "default": false} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "somebodys"}, StringData: map[string]string{"a": "b"}}
		if _, err := asAdmin.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		_, err := asOperator.CoreV1().Secrets(namespace).Get(t.Context(), secret.Name, metav1.GetOptions{})
		switch {
		case allowed && err != nil:
			t.Errorf("the Secret in %s cannot be read: %v", namespace, err)
		case !allowed && !apierrors.IsForbidden(err):
			t.Errorf("the Secret in %s: the error is %v, want forbidden", namespace, err)
		}
	}
}
