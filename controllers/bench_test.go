// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// crowd is an account's resources as the cache shows them: of ten, six are
// finished, two are at work and two wait.
func crowd(n int) []v1alpha1.VideoGeneration {
	view := make([]v1alpha1.VideoGeneration, 0, n)
	for i := range n {
		vg := video(fmt.Sprintf("video-%05d", i), created(epoch.Add(time.Duration(i%997)*time.Second)))
		t := task(v1alpha1.TaskSucceeded, testTaskID)
		t.Attempt = fmt.Sprintf("attempt-%05d", i)
		t.SubmittedAt = metav1.NewTime(epoch.Add(-time.Duration(i) * time.Second))
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
			{"first", video("first", created(epoch.Add(-time.Hour))), true},
			{"last", video("last", created(epoch.Add(time.Hour))), false},
		} {
			b.Run(fmt.Sprintf("%s of %d", bb.name, n), func(b *testing.B) {
				clk := clocktesting.NewFakePassiveClock(epoch.Add(time.Hour))
				ledger := NewLedger(clk)
				b.ReportAllocs()
				for b.Loop() {
					if v := ledger.Reserve(bazaarAccount, lim, view, bb.me, credits.Of(60), "attempt"); v.admitted != bb.admitted {
						b.Fatalf("the verdict is %+v", v)
					}
					ledger.Release(bazaarAccount, "attempt")
				}
			})
		}
	}
}

func BenchmarkSummarize(b *testing.B) {
	for _, bb := range []struct {
		name string
		task *v1alpha1.Task
		wait waiting
	}{
		{"at work", task(v1alpha1.TaskRunning, testTaskID), waiting{}},
		{"finished", task(v1alpha1.TaskSucceeded, testTaskID), waiting{}},
		{"in trouble", nil, waiting{kind: retrying, reason: "Unavailable", message: "KieAccount films/default: KIE.AI cannot be reached or gives no readable answer"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			vg := video("lighthouse", with(bb.task))
			b.ReportAllocs()
			for b.Loop() {
				summarize(vg, bb.wait, epoch)
			}
		})
	}
}
