// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mp4 reads what an MP4 video is like, and whether it is one that is whole.
package mp4
