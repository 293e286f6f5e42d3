// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

var (
	// controlPlane has the real API server of this package's tests.
	controlPlane testenv.Shared
	// s3Folder is where the S3 server keeps its buckets.
	s3Folder string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	s3Folder, err = os.MkdirTemp("", "s3-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s3Folder)) }()
	defer func() { stopS3() }()

	var said logged
	ctrl.SetLogger(funcr.New(said.add, funcr.Options{Verbosity: 10}))
	code = m.Run()
	return code, said.leaks()
}

// logged is everything that the operator has logged in all tests together.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) add(prefix, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(prefix + " " + args + "\n")
}

// leaks finds what no log may hold.
func (l *logged) leaks() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var leaks []error
	for what, text := range map[string]string{
		"an API key": fixture.APIKey, "a webhook key": fixture.HMACKey, "a prompt": testPrompt, "a callback path": "/v1/callbacks/",
	} {
		if strings.Contains(l.text.String(), text) {
			leaks = append(leaks, fmt.Errorf("the log shows %s", what))
		}
	}
	return errors.Join(leaks...)
}
