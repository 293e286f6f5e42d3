// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mp4 reads the facts of an MP4 video, such as its size and length, and checks that
// a file is a complete one.
package mp4
