// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// Locations opens the storage that resources and accounts name.
type Locations struct {
	// Live reads Secrets from the API server itself: they are not listed or watched.
	Live    client.Reader
	Storage *bucket.Storage
	// OperatorNamespace is where the accounts of administrators are. Only for the storage that they name, the
	// identity of the operator, its folders, private addresses and plain http can be used.
	OperatorNamespace string

	mu sync.Mutex
	// remembered are the places of videos that are to be deleted with their resources. When a namespace is deleted, its
	// accounts and Secrets, and the right to read them, may be gone before its VideoGenerations.
	remembered map[types.UID]rememberedLocation
}

// rememberedLocation is where the videos of a resource were stored last, and with what.
type rememberedLocation struct {
	location state.Location
	secret   map[string][]byte
}

// Open opens a place to store the videos of a resource in. The error is an
// *transfer.StorageError, or one of the API server. The caller closes the bucket.
func (p *Locations) Open(ctx context.Context, uid types.UID, at state.Location) (*bucket.Bucket, error) {
	secret, err := p.secret(ctx, at)
	if err != nil {
		return nil, err
	}
	opened, err := p.OpenWith(ctx, at, secret)
	if err == nil && at.Policy == v1alpha1.DeletionDelete {
		p.remember(uid, rememberedLocation{location: at, secret: secret})
	}
	return opened, err
}

// OpenToDelete opens a place to delete the videos of a resource from. If its
// Secret cannot be read any more, it uses what they were stored with there.
func (p *Locations) OpenToDelete(ctx context.Context, uid types.UID, at state.Location) (*bucket.Bucket, error) {
	secret, err := p.secret(ctx, at)
	if err != nil {
		kept, known := p.recall(uid)
		if !known || kept.location.Identity() != at.Identity() {
			return nil, err
		}
		secret = kept.secret
	}
	return p.OpenWith(ctx, at, secret)
}

// OpenWith opens a location with credentials, nil if it names none.
func (p *Locations) OpenWith(ctx context.Context, at state.Location, secret map[string][]byte) (*bucket.Bucket, error) {
	encryption := state.EncryptionOf(at.Spec)
	return p.Storage.Open(ctx, bucket.Place{
		URL:        at.Spec.URL,
		Endpoint:   at.Spec.Endpoint,
		Region:     at.Spec.Region,
		Prefix:     at.Spec.Prefix,
		Encryption: string(encryption.Algorithm),
		KMSKeyID:   encryption.KMSKeyID,
		Secret:     secret,
		Trusted:    at.Trusted(p.OperatorNamespace),
	})
}

// secret reads the credentials of a place, nil if it names none.
func (p *Locations) secret(ctx context.Context, at state.Location) (map[string][]byte, error) {
	if at.Spec.CredentialsSecretRef == nil {
		return nil, nil
	}
	name := types.NamespacedName{Namespace: at.Namespace, Name: at.Spec.CredentialsSecretRef.Name}
	secret := &corev1.Secret{}
	switch err := p.Live.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		return nil, &transfer.StorageError{Class: transfer.InvalidStorage, Message: fmt.Sprintf("Secret %s with the credentials of %s does not exist: create it", name, at.Spec.URL)}
	case apierrors.IsForbidden(err):
		return nil, &transfer.StorageError{Class: transfer.InvalidStorage, Message: fmt.Sprintf(
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

// Remembered is the number of resources whose storage is remembered.
func (p *Locations) Remembered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.remembered)
}

// Forget forgets where the videos of a resource were stored.
func (p *Locations) Forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.remembered, uid)
}
