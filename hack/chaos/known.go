// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"slices"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// upgradesDone reports whether the video has the upgrade that it is to have.
func upgradesDone(v video, vg *v1alpha1.VideoGeneration, upgrades map[string][]upgraded) bool {
	if v.kind != fullHD && v.kind != ultraHD {
		return true
	}
	return slices.ContainsFunc(upgrades[vg.Status.Task.ID], func(u upgraded) bool { return u.State == kiesim.TaskSucceeded })
}

// attemptsOf returns the task of each attempt that the resource knows of, and
// which of them were given up without one.
func attemptsOf(vg *v1alpha1.VideoGeneration) (known map[string]string, givenUp map[string]bool) {
	known, givenUp = map[string]string{}, map[string]bool{}
	for _, past := range vg.Status.History {
		known[past.Attempt] = past.ID
		givenUp[past.Attempt] = past.ID == ""
	}
	if task := vg.Status.Task; task != nil {
		known[task.Attempt] = task.ID
		givenUp[task.Attempt] = task.ID == "" && task.Failure != nil && task.Failure.Reason == v1alpha1.ReasonSubmissionUnknown
	}
	return known, givenUp
}

// reachedOperator reports whether a callback has reached the operator: it was acknowledged, or
// refused for what it says. One that was answered with 5xx, or that never came
// through, does not count.
func reachedOperator(answers []int) bool {
	return slices.ContainsFunc(answers, func(status int) bool {
		return status >= http.StatusOK && status < http.StatusInternalServerError
	})
}
