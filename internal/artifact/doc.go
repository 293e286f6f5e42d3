// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package artifact deals with files that lie elsewhere: the images that go into
// a video, and the videos that come out. What is fetched is foreign, so nothing
// of it is believed, and all of it is bounded.
package artifact
