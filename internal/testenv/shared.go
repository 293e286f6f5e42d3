// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"sync"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Shared is a control plane that the tests of a package share. It starts when
// the first of them asks for it, so that tests which need none do not wait, and pass
// where none is built.
type Shared struct {
	mu  sync.Mutex
	env *envtest.Environment
	err error
}

// Config returns the administrator's rest.Config for the control plane. The client
// does not limit its requests, so that a table of a hundred cases does not wait.
func (s *Shared) Config() (*rest.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.env == nil && s.err == nil {
		s.env, s.err = Start()
	}
	if s.err != nil {
		return nil, s.err
	}
	config := rest.CopyConfig(s.env.Config)
	config.QPS = -1
	return config, nil
}

// Stop stops the control plane, if it was started.
func (s *Shared) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.env == nil {
		return nil
	}
	return s.env.Stop()
}
