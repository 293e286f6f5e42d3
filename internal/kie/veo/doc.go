// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package veo speaks the Veo 3.1 family of KIE.AI's API, below /api/v1/veo: what buys
// a video or the continuation of one, the record of a task, and the larger versions
// of a video.
package veo
