// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package state derives what follows from a VideoGeneration alone: facts, the conditions,
// and the sentences in them. Its functions are pure: they use no client, no clock and
// no context, and remember nothing.
package state
