// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

// UpgradeState is how far a larger version of a video has come.
type UpgradeState string

// The states of an upgrade.
const (
	// UpgradeReady means that the larger version is there, with at least one result URL.
	UpgradeReady UpgradeState = "Ready"
	// UpgradeRunning means that it is being made: ask again.
	UpgradeRunning UpgradeState = "Running"
	// UpgradeImpossible means that there will be none of this video: asking again does not help. Directly after
	// the success of the source it may be said too early, while that success is not known everywhere.
	UpgradeImpossible UpgradeState = "Impossible"
)

// Upgrade is the API's word on a larger version of a video.
type Upgrade struct {
	State UpgradeState
	// TaskID is what the answer calls the task, "" where it does not. For 4K it may be the source's or a new
	// one (reference, section 12, A5), so that it informs and proves nothing.
	TaskID string
	// ResultURLs are the larger videos, ImageURLs stills of them. They are set with Ready only.
	ResultURLs, ImageURLs []string
	// Message is why it is impossible, in the API's own words, bounded and without secrets.
	Message string
}
