// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/types"
)

// AccountIdentity says which KieAccount is meant. The UID is part of it because
// a name can be used again: a KieAccount that is deleted and created again is
// another one, with books of its own and maybe with another key.
type AccountIdentity struct { //nolint:recvcheck // the generated methods have pointers
	// namespace is the namespace of the KieAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// name is the name of the KieAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid is the UID that the KieAccount had then. Another UID under the same
	// name is that of a KieAccount that was created again.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UID types.UID `json:"uid,omitempty"`
}

// IdentityOf is the identity of an account as it is now.
func IdentityOf(account *KieAccount) AccountIdentity {
	return AccountIdentity{Namespace: account.Namespace, Name: account.Name, UID: account.UID}
}

// Key is the name to read the account by. It finds the account of that name,
// whatever its UID.
func (a AccountIdentity) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: a.Namespace, Name: a.Name}
}

// String is the account as people write it: namespace/name.
func (a AccountIdentity) String() string { return a.Namespace + "/" + a.Name }

// IsZero reports whether no account is meant.
func (a AccountIdentity) IsZero() bool { return a == AccountIdentity{} }

// IsReplacedBy reports whether the account is another one that was created
// under the same name.
func (a AccountIdentity) IsReplacedBy(now *KieAccount) bool {
	return a.UID != "" && a.Key() == IdentityOf(now).Key() && a.UID != now.UID
}
