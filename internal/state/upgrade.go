// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// UpgradePending reports whether a larger version of the video is still to come.
func UpgradePending(vg *v1alpha1.VideoGeneration) bool {
	task, upgrade := vg.Status.Task, vg.Status.Upgrade
	if task == nil || task.State != v1alpha1.TaskSucceeded || Rank(string(vg.Spec.Resolution)) <= Rank("720p") {
		return false
	}
	if upgrade == nil {
		// KIE.AI may have made it in the larger resolution right away.
		return len(vg.Status.Videos) > 0 && RankOf(vg.Status.Videos[0]) < Rank(string(vg.Spec.Resolution))
	}
	return UpgradeBegun(vg) || asksToUpgradeAgain(vg)
}

// UpgradeBegun reports whether KIE.AI was, or may have been, asked for the
// upgrade and it has not ended.
func UpgradeBegun(vg *v1alpha1.VideoGeneration) bool {
	return vg.Status.Upgrade != nil && (vg.Status.Upgrade.State == v1alpha1.UpgradeRunning || UpgradeRevived(vg))
}

// UpgradeRevived reports whether an upgrade that was given up has more time now,
// or its callback has come after all.
func UpgradeRevived(vg *v1alpha1.VideoGeneration) bool {
	up := vg.Status.Upgrade
	if up.State != v1alpha1.UpgradeFailed || up.Settled() || up.CompletedAt == nil {
		return false
	}
	moreTime := up.SubmittedAt.Add(TimeoutOf(vg)).After(up.CompletedAt.Time)
	return moreTime || (UpgradeCalledBack(vg) && vg.Status.Callback.ReceivedAt.After(up.CompletedAt.Time))
}

// asksToUpgradeAgain reports whether the user asks for the upgrade again that has failed.
func asksToUpgradeAgain(vg *v1alpha1.VideoGeneration) bool {
	up := vg.Status.Upgrade
	return up != nil && up.State == v1alpha1.UpgradeFailed && vg.Annotations[v1alpha1.AnnotationResubmit] == up.Attempt
}

// EndUpgrade ends an upgrade without a larger version.
func EndUpgrade(up *v1alpha1.Upgrade, reason, message string, now time.Time) {
	up.State = v1alpha1.UpgradeFailed
	up.Failure = &v1alpha1.TaskFailure{Reason: reason, Message: BoundedMessage(message)}
	up.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
}
