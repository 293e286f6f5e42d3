// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// DeleteAt is when the resource is to be deleted, if ever. A resource whose purchase
// is in doubt is kept: a person needs it to find out what was bought.
func DeleteAt(vg *v1alpha1.VideoGeneration) (time.Time, bool) {
	task, upgrade := vg.Status.Task, vg.Status.Upgrade
	if _, calledBack := CalledBackRefused(vg); calledBack || vg.Spec.TTLSecondsAfterFinished == nil || !IsFinished(vg) || IsLost(task) || task.CompletedAt == nil {
		return time.Time{}, false
	}
	ended := task.CompletedAt.Time
	if upgrade != nil && upgrade.CompletedAt != nil && upgrade.CompletedAt.After(ended) {
		ended = upgrade.CompletedAt.Time
	}
	// A task that was given up may still be running: keep the resource, so that its late end is not lost.
	if kept := task.SubmittedAt.Add(VideoLifetime); !task.Settled() && kept.After(ended) {
		ended = kept
	}
	if upgrade != nil && !upgrade.Settled() {
		if kept := upgrade.SubmittedAt.Add(VideoLifetime); kept.After(ended) {
			ended = kept
		}
	}
	if stored := vg.Status.Storage; stored != nil && stored.CompletedAt != nil && stored.CompletedAt.After(ended) {
		ended = stored.CompletedAt.Time
	}
	return ended.Add(time.Duration(*vg.Spec.TTLSecondsAfterFinished) * time.Second), true
}
