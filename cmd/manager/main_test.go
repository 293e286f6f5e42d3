// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// actAsManager makes the test binary be the program, so that tests can start
// and stop real processes of it.
const actAsManager = "KIE_OPERATOR_TEST_ACT_AS_MANAGER"

// controlPlane has the real API server of this package's tests.
var controlPlane testenv.Shared

// ways are the ways to the API server: that of its administrator, and the
// operator's own, which has the rights of config/rbac.
type ways struct {
	admin, operator                     *rest.Config
	adminKubeconfig, operatorKubeconfig string
}

// dir is a folder for the tests of this package.
var dir string

// prepare is done for the first test that needs an API server.
var prepare = sync.OnceValues(func() (w ways, err error) {
	if w.admin, err = controlPlane.Config(); err != nil {
		return ways{}, err
	}
	w.adminKubeconfig, w.operatorKubeconfig = filepath.Join(dir, "admin"), filepath.Join(dir, "operator")
	if err := testenv.WriteKubeconfig(w.adminKubeconfig, w.admin); err != nil {
		return ways{}, err
	}
	if w.operator, err = testenv.Operator(context.Background(), w.admin, w.adminKubeconfig); err != nil {
		return ways{}, err
	}
	return w, testenv.WriteKubeconfig(w.operatorKubeconfig, w.operator)
})

// cluster returns the ways to the API server.
func cluster(t *testing.T) ways {
	t.Helper()
	w, err := prepare()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMain(m *testing.M) {
	if os.Getenv(actAsManager) != "" {
		main()
		return
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if dir, err = os.MkdirTemp("", "manager-test-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, controlPlane.Stop(), os.RemoveAll(dir)) }()
	return m.Run(), nil
}
