// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"
)

// waiting says why a VideoGeneration does not come further for the moment. The
// zero value means that nothing is in its way.
type waiting struct {
	// reason and message go into the Ready condition. The message is stable while the reason lasts: it holds
	// no times and no counts, because each change of it is a write to the API server.
	reason, message string
	// kind says who can end the wait.
	kind waitKind
	// retryAfter is when to look again, if nothing happens before.
	retryAfter time.Duration
}

type waitKind int

const (
	// progressing waits for something that is on its way.
	progressing waitKind = iota
	// retrying waits for trouble to pass: the account, the service, the network.
	retrying
	// held waits because the user asked for it.
	held
	// stalled waits for a user to change the resource.
	stalled
)
