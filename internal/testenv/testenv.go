// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testenv runs a real etcd and kube-apiserver with this project's CRDs
// installed, for tests and for the demo, and a real S3 server for tests.
package testenv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	apiruntime "k8s.io/apimachinery/pkg/runtime"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// Scheme knows the built-in kinds and those of this project.
func Scheme() *apiruntime.Scheme {
	scheme := apiruntime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// Start starts a control plane with the CRDs of config/crd installed. The
// caller stops it with Stop.
func Start() (*envtest.Environment, error) {
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(Root(), "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		Scheme:                Scheme(),
	}
	if _, err := env.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the control plane of %s: %w", assets, err), env.Stop())
	}
	return env, nil
}

// Assets returns the folder with etcd, kube-apiserver and kubectl:
// KUBEBUILDER_ASSETS if it is set, else bin/k8s of the repository.
func Assets() (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		dir = filepath.Join(Root(), "bin", "k8s")
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s has no %s: run `make control-plane`, or set KUBEBUILDER_ASSETS to a folder that has it", dir, name)
		}
	}
	return dir, nil
}

// Root returns the top folder of the repository, from where this file was compiled.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
