// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

// maxTaskIDLength bounds what is believed to be an id.
const maxTaskIDLength = 128

// ValidTaskID accepts any short printable id. The documentation shows
// "veo_task_…", live ids are 32 hex digits, and nothing promises either.
func ValidTaskID(id string) bool {
	if id == "" || len(id) > maxTaskIDLength {
		return false
	}
	for _, r := range id {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}
