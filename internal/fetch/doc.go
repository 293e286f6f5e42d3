// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fetch looks at images and videos at URLs of others, and downloads videos.
package fetch
