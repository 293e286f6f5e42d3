// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

// What the operator may do, everywhere: its own kinds, Events about them,
// reading the labels of namespaces for allowedNamespaces, and reading the
// ConfigMaps that hold images, one at a time and by name.
//
// +kubebuilder:rbac:groups=kie-operator.github.io,resources=videogenerations,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=kie-operator.github.io,resources=videogenerations/status,verbs=patch
// +kubebuilder:rbac:groups=kie-operator.github.io,resources=kieaccounts,verbs=get;list;watch
// +kubebuilder:rbac:groups=kie-operator.github.io,resources=kieaccounts/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// And only in its own namespace: the Secrets of accounts, one at a time and by
// name, and the lease of the leader.
//
// +kubebuilder:rbac:groups="",namespace=kie-operator-system,resources=secrets,verbs=get
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=kie-operator-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=kie-operator-system,resources=events,verbs=create;patch
