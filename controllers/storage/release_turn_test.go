// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// A place is spared after it has not answered, but each resource has a try.
func TestWhoseTurnItIsToBeLetGo(t *testing.T) {
	clk := clocktesting.NewFakePassiveClock(time.Unix(1e9, 0))
	r := &Releaser{Clock: clk}
	r.Init()
	here, there := state.Location{Spec: &v1alpha1.Storage{URL: "s3://here"}}, state.Location{Spec: &v1alpha1.Storage{URL: "s3://there"}}
	want := func(reason, name string, p state.Location, last, want bool) {
		t.Helper()
		if got := r.mayTry(fixture.Video(name), p, last); got != want {
			t.Errorf("%s: %s may be tried is %t", reason, name, got)
		}
	}
	want("at first", "a", here, false, true)
	r.answered(here, &transfer.StorageError{Class: transfer.AccessDenied})
	want("who refuses, answers", "a", here, false, true)
	r.answered(here, &transfer.StorageError{Class: transfer.StorageUnavailable})
	want("who does not answer, is spared", "a", here, false, false)
	want("by others, too", "b", here, false, false)
	want("not elsewhere", "b", there, false, true)
	want("at the last moment, if it was tried", "a", here, true, false)
	want("at the last moment, if it was not", "c", here, true, true)
	want("and that once", "c", here, true, false)
	clk.SetTime(clk.Now().Add(releaseAgain))
	want("after a while", "d", here, false, true)
	r.answered(here, &transfer.StorageError{Class: transfer.StorageUnavailable})
	r.answered(here, nil)
	want("when it answers", "e", here, false, true)
}
