// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package account says of each KieAccount whether it can buy, what its balance is, and what
// was spent.
package account
