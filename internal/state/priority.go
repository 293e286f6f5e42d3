// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// PaidPriority is the priority in the workqueue of what is paid for and not finished.
// It comes before everything else: there may be a thousand videos to buy, and always
// new ones. Without it, a process that begins to lead would even leave them for last,
// as controller-runtime does with all objects that exist at the start
// (handler.LowPriority).
const PaidPriority = 10

// OtherPriority is that of everything else.
const OtherPriority = 0

// PriorityOf is the priority of the resource in the workqueue.
func PriorityOf(vg *v1alpha1.VideoGeneration) int {
	if vg.Status.Task != nil && !NeedsPurchase(vg) && !IsFinished(vg) {
		return PaidPriority
	}
	return OtherPriority
}
