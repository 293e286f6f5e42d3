// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// PaidPriority is that of what is paid for and not finished, which is looked at
// before everything else: there may be a thousand videos to buy behind it, and
// always new ones. Without that, a process that begins to lead would even leave it
// for last, as it does with all that it finds (handler.LowPriority).
const PaidPriority = 10

// OtherPriority is that of everything else.
const OtherPriority = 0

// PriorityOf is the priority of a look at the resource.
func PriorityOf(vg *v1alpha1.VideoGeneration) int {
	if vg.Status.Task != nil && !NeedsPurchase(vg) && !IsFinished(vg) {
		return PaidPriority
	}
	return OtherPriority
}
