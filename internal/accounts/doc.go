// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts is what follows from a KieAccount: who may use it, what things cost on
// it, and what its budget leaves in a period.
package accounts
