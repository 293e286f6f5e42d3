// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package watch says which changes make a reconciler reconcile, and what.
package watch
