// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission decides who may buy now: in which order, and within which limits. Its
// Ledger remembers what this process knows of each account and the resources do not show.
package admission
