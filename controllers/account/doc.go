// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package account has the reconciler of KieAccounts: it keeps in the status whether the
// account can buy, its balance, and what was spent.
package account
