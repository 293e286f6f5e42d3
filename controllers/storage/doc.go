// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storage stores the finished videos of VideoGenerations, and deletes those that
// are to be deleted with their resource.
package storage
