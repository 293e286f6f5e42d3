// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package generation buys what VideoGenerations ask for, and brings each to the end that its
// paid task comes to. Its steps are files of their own; Reconcile lists them.
package generation
