// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func TestAdoptedTasksEndAsTheyDo(t *testing.T) {
	succeeded := func(vg *v1alpha1.VideoGeneration) { setReady(vg, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) }
	failedAs := func(reason string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) { fail(vg, reason) }
	}
	for _, tt := range []struct {
		name string
		// state is that of the task, empty if there is none.
		state kiesim.TaskState
		end   func(*v1alpha1.VideoGeneration)
		want  string
	}{
		{"it has succeeded", kiesim.TaskSucceeded, succeeded, ""},
		{"it has failed", kiesim.TaskFailed, failedAs(v1alpha1.ReasonGenerationFailed), ""},
		{"it has failed and the resource has not", kiesim.TaskFailed, succeeded, "wrong ends"},
		{"it has succeeded and the resource has not", kiesim.TaskSucceeded, failedAs(v1alpha1.ReasonGenerationFailed), "wrong ends"},
		{"it exists and was not found", kiesim.TaskFailed, failedAs(v1alpha1.ReasonTaskNotFound), "wrong ends"},
		{"there is none", "", failedAs(v1alpha1.ReasonTaskNotFound), ""},
		{"there is none and it has succeeded", "", succeeded, "wrong ends"},
		{"the resource has another one", kiesim.TaskSucceeded, func(vg *v1alpha1.VideoGeneration) {
			succeeded(vg)
			vg.Status.Task.ID = "task-2"
		}, "wrong ends"},
		{"it is not at rest", kiesim.TaskSucceeded, func(vg *v1alpha1.VideoGeneration) {
			setReady(vg, metav1.ConditionUnknown, v1alpha1.ReasonGenerating)
		}, "stuck"},
	} {
		orphan, _, e := one(orphaned)
		delete(e.resources, orphan.name)
		e.gone[orphan.name] = true
		e.tasks[0].State = tt.state
		if tt.state == "" {
			e.tasks, e.videos = nil, nil
		}
		v := orphan.heir("task-1")
		vg := v.resource()
		vg.UID = "uid-2"
		vg.Status.Task = &v1alpha1.Task{Attempt: "attempt-2", Number: 1, ID: "task-1", Adopted: ptr.To(true), State: v1alpha1.TaskSucceeded}
		tt.end(vg)
		e.videos, e.resources[v.name] = append(e.videos, v), vg
		e.keepBooks()
		if got := foundBy(judge(e)); got != tt.want {
			t.Errorf("%s: the oracle finds %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWhoAdoptsBuysNothing(t *testing.T) {
	v, vg, e := one(astray)
	v.attempts, v.adopted = 0, "task-9"
	e.videos = []video{v}
	e.again = map[types.NamespacedName]int{}
	fail(vg, v1alpha1.ReasonTaskNotFound)
	e.keepBooks()
	if got := foundBy(judge(e)); got != "duplicates" {
		t.Errorf("of one that adopts and buys the oracle finds %q", got)
	}
}
