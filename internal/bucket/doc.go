// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bucket stores videos in S3, GCS, Azure and in folders.
package bucket
