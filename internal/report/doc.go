// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report sends Events, counts metrics, and says what a failed write means.
package report
