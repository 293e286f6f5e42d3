// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fetch checks images and reads the facts of videos at URLs that others chose, and
// downloads videos.
package fetch
