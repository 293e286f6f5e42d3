// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// crowd is an account's resources as the cache shows them: of ten, six are
// finished, two are at work and two wait.
func crowd(n int) []v1alpha1.VideoGeneration {
	view := make([]v1alpha1.VideoGeneration, 0, n)
	for i := range n {
		vg := fixture.Video(fmt.Sprintf("video-%05d", i), fixture.Created(fixture.Epoch.Add(time.Duration(i%997)*time.Second)))
		t := fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)
		t.Attempt = fmt.Sprintf("attempt-%05d", i)
		t.SubmittedAt = metav1.NewTime(fixture.Epoch.Add(-time.Duration(i) * time.Second))
		switch i % 10 {
		case 0, 1:
			t.State = v1alpha1.TaskRunning
		case 2, 3:
			t = nil
		}
		vg.Status.Task = t
		view = append(view, *vg)
	}
	return view
}

func BenchmarkReserve(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		view := crowd(n)
		lim := limits{submissions: 20, window: 10 * time.Second, inFlight: n}
		for _, bb := range []struct {
			name     string
			me       *v1alpha1.VideoGeneration
			admitted bool
		}{
			{"first", fixture.Video("first", fixture.Created(fixture.Epoch.Add(-time.Hour))), true},
			{"last", fixture.Video("last", fixture.Created(fixture.Epoch.Add(time.Hour))), false},
		} {
			b.Run(fmt.Sprintf("%s of %d", bb.name, n), func(b *testing.B) {
				clk := clocktesting.NewFakePassiveClock(fixture.Epoch.Add(time.Hour))
				ledger := NewLedger(clk)
				b.ReportAllocs()
				for b.Loop() {
					if v := ledger.Reserve(bazaarAccount, lim, view, bb.me, credits.Of(60), "attempt"); v.Admitted != bb.admitted {
						b.Fatalf("the verdict is %+v", v)
					}
					ledger.Release(bazaarAccount, "attempt")
				}
			})
		}
	}
}
