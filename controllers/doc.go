// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers builds the reconcilers and what they share. Its tests run
// all reconcilers together on a real API server, through the whole life of a
// VideoGeneration.
package controllers
