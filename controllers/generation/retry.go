// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"

	"github.com/kie-operator/kie-operator/internal/state"
)

// awaitRetry waits with what KIE.AI could not make until it is to be bought again,
// as often as spec.retry allows and with more time between the tries each time.
//
// When it lets the next step go on, no retry is pending, or it is due.
func (r *Reconciler) awaitRetry(_ context.Context, l *scope) (bool, error) {
	if l.buying() || !state.RetryPending(l.vg) {
		return false, nil
	}
	l.requeueBy(state.RetryAt(l.vg.Status.Task))
	return true, nil
}
