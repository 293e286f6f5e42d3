// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

// Reasons of an Error, fit to be the reason of a condition.
const (
	// SecretNotFound means that there is no Secret of that name.
	SecretNotFound = "SecretNotFound"
	// SecretForbidden means that the operator is not allowed to read the Secret.
	SecretForbidden = "SecretForbidden"
	// SecretInvalid means that the Secret does not hold keys that can be used.
	SecretInvalid = "SecretInvalid"
)

// Error is something that a user has to put right: trying again changes
// nothing. All other failures are errors of the API server, wrapped.
type Error struct {
	// Reason is SecretNotFound, SecretForbidden or SecretInvalid.
	Reason string
	// Message says what is wrong with which Secret and what to do. It holds nothing of the Secret's contents.
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }
