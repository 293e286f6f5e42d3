// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/artifact"
)

// location is where the videos of a resource are to be stored, and by whose word.
type location struct {
	spec *v1alpha1.Storage
	// namespace is that of the resource or account that names it, where its Secret is.
	namespace string
	// byAccount says that it is an account that names it.
	byAccount bool
	// policy is what becomes of the videos when the resource is deleted.
	policy v1alpha1.DeletionPolicy
}

// locationOf returns where the videos are to be stored, if anywhere: where the
// resource says, or else where its account says. The account may be nil.
func locationOf(vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) (location, bool) {
	own := vg.Spec.Storage
	var p location
	switch {
	case hasOwnStorage(vg):
		p = location{spec: own, namespace: vg.Namespace, policy: own.DeletionPolicy}
	case account != nil && account.Spec.Storage != nil && account.Spec.Storage.URL != "":
		p = location{spec: account.Spec.Storage, namespace: account.Namespace, byAccount: true, policy: account.Spec.Storage.DeletionPolicy}
		if own != nil && own.DeletionPolicy != "" {
			p.policy = own.DeletionPolicy
		}
	default:
		return location{}, false
	}
	if p.policy == "" {
		p.policy = v1alpha1.DeletionRetain
	}
	return p, true
}

// hasOwnStorage reports whether the resource itself names the place.
func hasOwnStorage(vg *v1alpha1.VideoGeneration) bool {
	return vg.Spec.Storage != nil && vg.Spec.Storage.URL != ""
}

// text is the place as people read it.
func (p location) text() string {
	if p.spec.Prefix == "" {
		return p.spec.URL
	}
	return p.spec.URL + "/" + p.spec.Prefix
}

// backend is the kind of storage, for metrics.
func (p location) backend() string {
	scheme, _, _ := strings.Cut(p.spec.URL, ":")
	return scheme
}

// identity is the place as something to compare: who names it, and all that it
// says.
func (p location) identity() string {
	secret := ""
	if p.spec.CredentialsSecretRef != nil {
		secret = p.spec.CredentialsSecretRef.Name
	}
	encryption := encryptionOf(p.spec)
	return fmt.Sprintf("%q", []string{
		p.namespace, p.spec.URL, p.spec.Endpoint, p.spec.Region, p.spec.Prefix, secret, string(encryption.Algorithm), encryption.KMSKeyID,
	})
}

// encryptionOf is the encryption that a storage asks for, empty if it asks for none.
func encryptionOf(spec *v1alpha1.Storage) v1alpha1.ServerSideEncryption {
	if spec.ServerSideEncryption == nil {
		return v1alpha1.ServerSideEncryption{}
	}
	return *spec.ServerSideEncryption
}

// trusted reports whether an administrator names the place.
func (p location) trusted(operatorNamespace string) bool {
	return p.byAccount && p.namespace == operatorNamespace
}

// Locations opens the storage that resources and accounts name.
type Locations struct {
	// Live reads Secrets from the API server itself: they are not listed or watched.
	Live    client.Reader
	Storage *artifact.Storage
	// OperatorNamespace is where the accounts of administrators are. Only for the storage that they name, the
	// identity of the operator, its folders, private addresses and plain http can be used.
	OperatorNamespace string

	mu sync.Mutex
	// remembered are the places of videos that are to be deleted with their resources. With a namespace, its accounts and
	// Secrets, and the right to read them, go first.
	remembered map[types.UID]rememberedLocation
}

// rememberedLocation is where the videos of a resource were stored last, and with what.
type rememberedLocation struct {
	location location
	secret   map[string][]byte
}

// open opens a place to store the videos of a resource in. The error is an
// *artifact.StorageError, or one of the API server. The caller closes the bucket.
func (p *Locations) open(ctx context.Context, uid types.UID, at location) (*artifact.Bucket, error) {
	secret, err := p.secret(ctx, at)
	if err != nil {
		return nil, err
	}
	bucket, err := p.openWith(ctx, at, secret)
	if err == nil && at.policy == v1alpha1.DeletionDelete {
		p.remember(uid, rememberedLocation{location: at, secret: secret})
	}
	return bucket, err
}

// openToDelete opens a place to delete the videos of a resource from. If its
// Secret cannot be read any more, it uses what they were stored with there.
func (p *Locations) openToDelete(ctx context.Context, uid types.UID, at location) (*artifact.Bucket, error) {
	secret, err := p.secret(ctx, at)
	if err != nil {
		kept, known := p.recall(uid)
		if !known || kept.location.identity() != at.identity() {
			return nil, err
		}
		secret = kept.secret
	}
	return p.openWith(ctx, at, secret)
}

func (p *Locations) openWith(ctx context.Context, at location, secret map[string][]byte) (*artifact.Bucket, error) {
	encryption := encryptionOf(at.spec)
	return p.Storage.Open(ctx, artifact.Place{
		URL:        at.spec.URL,
		Endpoint:   at.spec.Endpoint,
		Region:     at.spec.Region,
		Prefix:     at.spec.Prefix,
		Encryption: string(encryption.Algorithm),
		KMSKeyID:   encryption.KMSKeyID,
		Secret:     secret,
		Trusted:    at.trusted(p.OperatorNamespace),
	})
}

// secret reads the credentials of a place, nil if it names none.
func (p *Locations) secret(ctx context.Context, at location) (map[string][]byte, error) {
	if at.spec.CredentialsSecretRef == nil {
		return nil, nil
	}
	name := types.NamespacedName{Namespace: at.namespace, Name: at.spec.CredentialsSecretRef.Name}
	secret := &corev1.Secret{}
	switch err := p.Live.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		return nil, &artifact.StorageError{Class: artifact.InvalidStorage, Message: fmt.Sprintf("Secret %s with the credentials of %s does not exist: create it", name, at.spec.URL)}
	case apierrors.IsForbidden(err):
		return nil, &artifact.StorageError{Class: artifact.InvalidStorage, Message: fmt.Sprintf(
			"the operator is not allowed to read Secret %s: grant it get on Secrets in that namespace, see config/tenant", name)}
	case err != nil:
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	case secret.Data == nil:
		return map[string][]byte{}, nil // an empty Secret is not the identity of the operator
	default:
		return secret.Data, nil
	}
}

func (p *Locations) remember(uid types.UID, kept rememberedLocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.remembered == nil {
		p.remembered = map[types.UID]rememberedLocation{}
	}
	p.remembered[uid] = kept
}

func (p *Locations) recall(uid types.UID) (rememberedLocation, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.remembered[uid]
	return kept, ok
}

// Remembered is of how many resources it is known where their videos were stored.
func (p *Locations) Remembered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.remembered)
}

// forget forgets where the videos of a resource were stored.
func (p *Locations) forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.remembered, uid)
}
