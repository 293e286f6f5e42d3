// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

func TestKstatusOfEverySituation(t *testing.T) {
	for _, s := range situations {
		for _, w := range append(everyWait(), state.Wait{}) {
			t.Run(fmt.Sprintf("%s/%s", s.name, w.Reason), func(t *testing.T) {
				vg := fixture.Video("lighthouse", fixture.With(s.task))
				state.Summarize(vg, w, fixture.Epoch)
				want := fixture.KstatusFor(s.status)
				switch {
				case w.Kind == state.Stalled:
					want = status.FailedStatus
				case w.Reason != "" && !s.ended:
					want = status.InProgressStatus
				}
				if got := fixture.KstatusOf(t, fixture.UnstructuredOf(t, vg)); got != want {
					t.Errorf("kstatus is %s, want %s", got, want)
				}

				vg.Generation++
				if got := fixture.KstatusOf(t, fixture.UnstructuredOf(t, vg)); got != status.InProgressStatus {
					t.Errorf("a change of the spec that nobody has seen: kstatus is %s, want %s", got, status.InProgressStatus)
				}
				vg.DeletionTimestamp = ptr.To(metav1.NewTime(fixture.Epoch))
				if got := fixture.KstatusOf(t, fixture.UnstructuredOf(t, vg)); got != status.TerminatingStatus {
					t.Errorf("on its way out: kstatus is %s, want %s", got, status.TerminatingStatus)
				}
			})
		}
	}
}
