// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"strings"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// Location is where the videos of a resource are to be stored, and which object says so.
type Location struct {
	Spec *v1alpha1.Storage
	// Namespace is that of the resource or account that names it, where its Secret is.
	Namespace string
	// ByAccount says that it is an account that names it.
	ByAccount bool
	// Policy is what becomes of the videos when the resource is deleted.
	Policy v1alpha1.DeletionPolicy
}

// LocationOf returns where the videos are to be stored, if anywhere: where the
// resource says, or else where its account says. The account may be nil.
func LocationOf(vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) (Location, bool) {
	own := vg.Spec.Storage
	var p Location
	switch {
	case HasOwnStorage(vg):
		p = Location{Spec: own, Namespace: vg.Namespace, Policy: own.DeletionPolicy}
	case account != nil && account.Spec.Storage != nil && account.Spec.Storage.URL != "":
		p = Location{Spec: account.Spec.Storage, Namespace: account.Namespace, ByAccount: true, Policy: account.Spec.Storage.DeletionPolicy}
		if own != nil && own.DeletionPolicy != "" {
			p.Policy = own.DeletionPolicy
		}
	default:
		return Location{}, false
	}
	if p.Policy == "" {
		p.Policy = v1alpha1.DeletionRetain
	}
	return p, true
}

// HasOwnStorage reports whether the resource itself names the place.
func HasOwnStorage(vg *v1alpha1.VideoGeneration) bool {
	return vg.Spec.Storage != nil && vg.Spec.Storage.URL != ""
}

// Text is the place as people read it.
func (p Location) Text() string {
	if p.Spec.Prefix == "" {
		return p.Spec.URL
	}
	return p.Spec.URL + "/" + p.Spec.Prefix
}

// Backend is the kind of storage, for metrics.
func (p Location) Backend() string {
	scheme, _, _ := strings.Cut(p.Spec.URL, ":")
	return scheme
}

// Identity is a text that is the same for equal places: who names the place, and all
// that it says.
func (p Location) Identity() string {
	secret := ""
	if p.Spec.CredentialsSecretRef != nil {
		secret = p.Spec.CredentialsSecretRef.Name
	}
	encryption := EncryptionOf(p.Spec)
	return fmt.Sprintf("%q", []string{
		p.Namespace, p.Spec.URL, p.Spec.Endpoint, p.Spec.Region, p.Spec.Prefix, secret, string(encryption.Algorithm), encryption.KMSKeyID,
	})
}

// EncryptionOf is the encryption that a storage asks for, empty if it asks for none.
func EncryptionOf(spec *v1alpha1.Storage) v1alpha1.ServerSideEncryption {
	if spec.ServerSideEncryption == nil {
		return v1alpha1.ServerSideEncryption{}
	}
	return *spec.ServerSideEncryption
}

// Trusted reports whether an administrator names the place.
func (p Location) Trusted(operatorNamespace string) bool {
	return p.ByAccount && p.Namespace == operatorNamespace
}
