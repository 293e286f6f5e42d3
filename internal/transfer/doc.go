// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transfer has the reasons for which a video is not downloaded or stored, which
// fetch, mp4 and bucket share.
package transfer
