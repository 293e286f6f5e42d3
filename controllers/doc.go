// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers builds the reconcilers and what they share. Its tests are of
// whole lives: all reconcilers together, on a real API server.
package controllers
