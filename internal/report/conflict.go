// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
)

// ErrAccountReplaced says that the account that was to buy was deleted, and maybe
// created again under its name.
var ErrAccountReplaced = errors.New("the account was deleted, or created again, meanwhile")

// IsRefused reports whether the API server, or an admission policy or webhook,
// refuses a write, so that the same write would be refused again.
func IsRefused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// FailureText is the text of an error of the API server, short enough for a message.
func FailureText(err error) string { return fmt.Sprintf("%.300s", err.Error()) }

// ConflictDelay is how long after a conflict the next look comes: by then the cache
// should show the version that caused it.
const ConflictDelay = 100 * time.Millisecond

// PersistTimeout bounds the writes after a purchase, which do not end with the
// context of the reconcile.
const PersistTimeout = 10 * time.Second

// ErrOvertaken says that the attempt is no longer the current one, or that an earlier
// try of the same write had succeeded after all.
var ErrOvertaken = errors.New("the task has changed meanwhile")

// WriteError is a write to the API server that has failed.
type WriteError struct {
	What string
	Err  error
}

func (e *WriteError) Error() string { return e.What + ": " + e.Err.Error() }

func (e *WriteError) Unwrap() error { return e.Err }

// QuietConflict turns a conflict, which is ordinary with a cache, into a requeue, and
// ignores that the resource is gone. Other errors are returned.
func QuietConflict(err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err), errors.Is(err, ErrOvertaken), errors.Is(err, ErrAccountReplaced):
		return ctrl.Result{RequeueAfter: ConflictDelay}, nil
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil
	default:
		return ctrl.Result{}, err
	}
}

// maxWrites bounds the tries to write what others write beside.
const maxWrites = 6

// WriteAgain writes again at once while somebody else has written first. Each try
// has to read again what it changes, so there is nothing to wait for in between.
func WriteAgain(write func() error) error {
	return retry.RetryOnConflict(wait.Backoff{Steps: maxWrites}, write)
}
