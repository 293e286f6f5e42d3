// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func BenchmarkSummarize(b *testing.B) {
	for _, bb := range []struct {
		name string
		task *v1alpha1.Task
		wait state.Wait
	}{
		{"at work", fixture.Task(v1alpha1.TaskRunning, fixture.TaskID), state.Wait{}},
		{"finished", fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID), state.Wait{}},
		{"in trouble", nil, state.Wait{Kind: state.Retrying, Reason: "Unavailable", Message: "KieAccount films/default: KIE.AI cannot be reached or gives no readable answer"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			vg := fixture.Video("lighthouse", fixture.With(bb.task))
			b.ReportAllocs()
			for b.Loop() {
				state.Summarize(vg, bb.wait, fixture.Epoch)
			}
		})
	}
}
