// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// The limit of the API is on characters, and no character is cut in two.
func TestAFailureMessageFitsTheAPI(t *testing.T) {
	for _, tt := range []struct {
		reason, message, want string
	}{
		{"short", "no", "no"},
		{"just fits", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"one too many", strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{"two bytes each, just fits", strings.Repeat("é", 1024), strings.Repeat("é", 1024)},
		{"four bytes each, one too many", strings.Repeat("🎬", 1025), strings.Repeat("🎬", 1024)},
		{"the last one is wide", strings.Repeat("x", 1023) + "🎬🎬", strings.Repeat("x", 1023) + "🎬"},
		{"no text at all", strings.Repeat("\xff", 2000), strings.Repeat("\uFFFD", 1024)},
	} {
		got := fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)
		state.EndTask(got, v1alpha1.ReasonGenerationFailed, 0, tt.message, fixture.Epoch)
		if got.Failure.Message != tt.want {
			t.Errorf("%s: the message has %d characters in %d bytes, want %d in %d", tt.reason,
				utf8.RuneCountInString(got.Failure.Message), len(got.Failure.Message), utf8.RuneCountInString(tt.want), len(tt.want))
		}
	}
}
