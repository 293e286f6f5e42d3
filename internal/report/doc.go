// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report tells of what has happened, in Events and metrics, and of what a write
// that failed means.
package report
