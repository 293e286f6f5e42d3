// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"strings"
	"testing"
)

func TestValidTaskID(t *testing.T) {
	for _, tc := range []struct {
		reason, id string
		want       bool
	}{
		{"as in life", testTaskID, true},
		{"as documented", "veo_task_abcdef123456", true},
		{"as in one schema", "2c77e0b1-5d9a-4f36-b8e1-a0c4d5f60718", true},
		{"one character", "a", true},
		{"as long as it may be", strings.Repeat("a", 128), true},
		{"longer", strings.Repeat("a", 129), false},
		{"none", "", false},
		{"space", "a b", false},
		{"a line break", "a\n", false},
		{"a control character", "a\x7f", false},
		{"another script", "é", false},
		{"no character", "\xff", false},
	} {
		if got := ValidTaskID(tc.id); got != tc.want {
			t.Errorf("%s: got %t, want %t", tc.reason, got, tc.want)
		}
	}
}
