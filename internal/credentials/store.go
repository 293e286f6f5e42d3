// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

const (
	// maxAge is how long what was read is used without looking again.
	maxAge = 30 * time.Second
	// minInterval is the time between two reads for one account, however many callers ask for one and whether
	// or not the reads succeed. It bounds what a flood of bad requests can cost the API server.
	minInterval = time.Second
	// maxStale is how long what was read is used while the API server cannot be asked.
	maxStale = 5 * time.Minute
	// readTimeout bounds one read.
	readTimeout = 5 * time.Second
)

// Store remembers the credentials of accounts. It is safe for concurrent use.
//
// A Secret that is gone, forbidden or spoilt takes effect at the next read:
// what was read before is forgotten. An API server that cannot be asked does
// not: what was read before is used for up to five minutes more.
type Store struct {
	secrets client.Reader
	clock   clock.PassiveClock

	mu       sync.Mutex // held for moments only, never during a read
	accounts map[types.NamespacedName]*memory
}

// NewStore returns an empty Store. The reader should not be a cache, because a
// cache would list and watch all Secrets.
func NewStore(secrets client.Reader, clk clock.PassiveClock) *Store {
	return &Store{secrets: secrets, clock: clk, accounts: map[types.NamespacedName]*memory{}}
}

// Get returns the credentials of the account: from memory if they were read
// less than 30 seconds ago, else from the Secret. However many callers ask at
// the same time, the Secret is read once.
//
// If the user has to put something right, the error is an *Error; it is remembered
// for a second.
func (s *Store) Get(ctx context.Context, account *v1alpha1.KieAccount) (Credentials, error) {
	m, err := s.upToDate(ctx, account, maxAge)
	if err != nil {
		return Credentials{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.err == nil || (m.loaded && s.clock.Since(m.loadedAt) < maxStale) {
		return m.credentials, nil
	}
	return Credentials{}, m.err
}

// Refresh reads the Secret again, for a caller whom the credentials in memory
// have failed. It does so at most once a second per account; within that second
// it returns what the last read returned.
//
// Unlike Get it does not hide that the API server could not be asked: the
// caller knows the old value already.
func (s *Store) Refresh(ctx context.Context, account *v1alpha1.KieAccount) (Credentials, error) {
	m, err := s.upToDate(ctx, account, minInterval)
	if err != nil {
		return Credentials{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.err != nil {
		return Credentials{}, m.err
	}
	return m.credentials, nil
}

// Invalidate forgets the account. The next Get reads its Secret.
func (s *Store) Invalidate(account types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accounts, account)
}

// memory is what is known of one account. The Store's lock guards it.
type memory struct {
	uid    types.UID
	secret types.NamespacedName

	reading chan struct{} // closed when the read that is under way ends; nil if there is none

	tried   bool
	triedAt time.Time // the start of the last read
	err     error     // its failure

	loaded      bool
	loadedAt    time.Time // the start of the last read that succeeded
	credentials Credentials
}

// upToDate returns a memory whose last read, successful or not, is recent
// enough. Its error is about the wait only.
func (s *Store) upToDate(ctx context.Context, account *v1alpha1.KieAccount, age time.Duration) (*memory, error) {
	m, reading := s.consult(ctx, account, age)
	if reading == nil {
		return m, nil
	}
	select {
	case <-reading:
		return m, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for Secret %s: %w", m.secret, ctx.Err())
	}
}

// consult returns the memory of the account and, unless that is recent enough, a
// channel that is closed when the read under way ends. It begins a read if there is
// none.
func (s *Store) consult(ctx context.Context, account *v1alpha1.KieAccount, age time.Duration) (*memory, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.recall(account)
	if m.tried {
		if since := s.clock.Since(m.triedAt); since < minInterval || (m.err == nil && since < age) {
			return m, nil
		}
	}
	if m.reading == nil {
		m.reading = make(chan struct{})
		// The read is for everybody who waits for it, so it does not end with the request that began it.
		go s.read(context.WithoutCancel(ctx), m)
	}
	return m, m.reading
}

// recall returns the memory of the account. What was remembered of an account
// of the same name that was deleted, or of another Secret, does not count.
func (s *Store) recall(account *v1alpha1.KieAccount) *memory {
	name := types.NamespacedName{Namespace: account.Namespace, Name: account.Name}
	secret := types.NamespacedName{Namespace: account.Namespace, Name: account.Spec.CredentialsSecretRef.Name}
	m, ok := s.accounts[name]
	if !ok || m.uid != account.UID || m.secret != secret {
		m = &memory{uid: account.UID, secret: secret}
		s.accounts[name] = m
	}
	return m
}

// read reads the Secret into the memory.
func (s *Store) read(ctx context.Context, m *memory) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	start := s.clock.Now()
	credentials, err := fromSecret(ctx, s.secrets, m.secret)

	s.mu.Lock()
	defer s.mu.Unlock()
	m.tried, m.triedAt, m.err = true, start, err
	var invalid *Error
	switch {
	case err == nil:
		m.loaded, m.loadedAt, m.credentials = true, start, credentials
	case errors.As(err, &invalid):
		m.loaded, m.credentials = false, Credentials{}
	}
	close(m.reading)
	m.reading = nil
}
