// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the kie-operator.github.io/v1alpha1 API: the resources that buy videos
// from KIE.AI's Veo 3.1 API and the accounts that pay for them.
//
// +kubebuilder:object:generate=true
// +groupName=kie-operator.github.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of this API.
var GroupVersion = schema.GroupVersion{Group: "kie-operator.github.io", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&VideoGeneration{}, &VideoGenerationList{},
		&KieAccount{}, &KieAccountList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
})

// AddToScheme adds the kinds of this API to a scheme.
var AddToScheme = schemeBuilder.AddToScheme
