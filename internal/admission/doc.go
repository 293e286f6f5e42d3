// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission is the till of the operator: who may buy now, in which order, within
// which limits, and what is known of each account beside what the resources say.
package admission
