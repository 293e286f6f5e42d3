// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// judgeAdoption compares the end of a video that has taken a task over with the end
// of that task. The video buys nothing, and one that adopts a task which does not
// exist has to end as TaskNotFound.
func (f *findings) judgeAdoption(v video, vg *v1alpha1.VideoGeneration, l ledger) {
	status, reason := reasonOf(vg)
	task, exists := l.byID[v.adopted]
	if status == metav1.ConditionUnknown {
		f.stuck = append(f.stuck, fmt.Sprintf("%s: %q, it has adopted task %s (%s)", v, reason, v.adopted, task.State))
		return
	}
	f.ends[reason]++
	f.adopted++
	right := reason == v1alpha1.ReasonTaskNotFound
	if exists {
		right = (status == metav1.ConditionTrue) == (task.State == kiesim.TaskSucceeded) && reason != v1alpha1.ReasonTaskNotFound &&
			vg.Status.Task != nil && vg.Status.Task.ID == v.adopted
	}
	if !right {
		f.wrong = append(f.wrong, fmt.Sprintf("%s: %s %s, it has adopted task %s (%q)", v, status, reason, v.adopted, task.State))
	}
}
