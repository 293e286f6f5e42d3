// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transfer says why a video was not brought from one place to another.
package transfer
