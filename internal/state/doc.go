// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package state is what follows from a VideoGeneration alone: facts, the conditions, and
// the sentences in them. It is pure: no client, no clock, no context, nothing that
// it remembers.
package state
