// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"

	"github.com/kie-operator/kie-operator/internal/state"
)

// retry brings a video that KIE.AI could not make back to be bought again, as
// often as spec.retry allows and with more time between the tries each time.
//
// When it lets the next step go on, l.again says whether the video is to be
// bought again now.
func (r *Reconciler) retry(_ context.Context, l *scope) (bool, error) {
	if state.NeedsPurchase(l.vg) || !state.RetryPending(l.vg) {
		return false, nil
	}
	if at := state.RetryAt(l.vg.Status.Task); r.Clock.Now().Before(at) {
		l.requeueBy(at)
		return true, nil
	}
	l.again = true
	return false, nil
}
