// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// actAsManager makes the test binary be the program, so that tests can start
// and stop real processes of it.
const actAsManager = "KIE_OPERATOR_TEST_ACT_AS_MANAGER"

// The real API server of this package's tests: the way of its administrator,
// and the operator's own, which has the rights of config/rbac.
var (
	admin, operator                     *rest.Config
	adminKubeconfig, operatorKubeconfig string
)

func TestMain(m *testing.M) {
	if os.Getenv(actAsManager) != "" {
		main()
		return
	}
	code, err := withOperator(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withOperator(m *testing.M) (code int, err error) {
	env, err := testenv.Start()
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := env.Stop(); stopErr != nil {
			err = stopErr
		}
	}()
	dir, err := os.MkdirTemp("", "manager-test-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	admin, adminKubeconfig, operatorKubeconfig = env.Config, filepath.Join(dir, "admin"), filepath.Join(dir, "operator")
	if err := testenv.WriteKubeconfig(adminKubeconfig, admin); err != nil {
		return 1, err
	}
	if operator, err = testenv.Operator(context.Background(), admin, adminKubeconfig); err != nil {
		return 1, err
	}
	if err := testenv.WriteKubeconfig(operatorKubeconfig, operator); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
