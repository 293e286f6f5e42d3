// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"strings"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// The message of a purchase whose answer was lost names the task that its callback
// has named, for those who want to adopt it.
func TestALostPurchaseNamesTheTaskOfItsCallback(t *testing.T) {
	vg := &v1alpha1.VideoGeneration{}
	vg.Status.Task = &v1alpha1.Task{Attempt: "the-attempt", State: v1alpha1.TaskSubmitting}
	vg.Status.Callback = &v1alpha1.CallbackReceipt{Attempt: "the-attempt", TaskID: "veo_task_7"}
	endLost(vg, "", time.Now())
	if message := vg.Status.Task.Failure.Message; !strings.Contains(message, "veo_task_7") {
		t.Errorf("the message is %q", message)
	}
	vg.Status.Task = &v1alpha1.Task{Attempt: "another", State: v1alpha1.TaskSubmitting}
	endLost(vg, "", time.Now())
	if message := vg.Status.Task.Failure.Message; strings.Contains(message, "veo_task_7") {
		t.Errorf("the message names the task of another attempt: %q", message)
	}
}
