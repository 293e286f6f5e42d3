// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storage stores the finished videos of VideoGenerations, and deletes what is to go
// with a resource.
package storage
