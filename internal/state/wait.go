// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"
)

// Wait says why a VideoGeneration does not go on for the moment. The zero value
// means that nothing holds it up.
type Wait struct {
	// Reason and Message go into the Ready condition. The message is stable while the reason lasts: it holds
	// no times and no counts, because each change of it is a write to the API server.
	Reason, Message string
	// Kind says who can end the wait.
	Kind WaitKind
	// RetryAfter is after how long to look again, if nothing happens before.
	RetryAfter time.Duration
}

// WaitKind says who can end a wait.
type WaitKind int

// Who can end a wait.
const (
	// Progressing waits for something that is on its way.
	Progressing WaitKind = iota
	// Retrying waits for trouble to pass: the account, the service, the network.
	Retrying
	// Held waits because the user asked for it.
	Held
	// Stalled waits for a user to change the resource.
	Stalled
)
