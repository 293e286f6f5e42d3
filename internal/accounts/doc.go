// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts decides what follows from a KieAccount: who may use it, what a
// video costs, and what its budget leaves in a period.
package accounts
