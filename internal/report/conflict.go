// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
)

// ErrAccountReplaced says that the account that was to buy is gone, and another
// one may have its name.
var ErrAccountReplaced = errors.New("the account was deleted, or created again, meanwhile")

// IsRefused reports whether the API server, or who decides for it, does not want
// a write, so that the same write is refused again.
func IsRefused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// FailureText is a cause in the words of the API server, bounded for a sentence.
func FailureText(err error) string { return fmt.Sprintf("%.300s", err.Error()) }

// ConflictDelay is how long the cache is given to show what a conflict was about.
const ConflictDelay = 100 * time.Millisecond

// PersistTimeout bounds the writes after a purchase, on a clock of their own.
const PersistTimeout = 10 * time.Second

// ErrOvertaken says that the attempt is no longer the current one, or that a
// write of the same has arrived after all.
var ErrOvertaken = errors.New("the task has changed meanwhile")

// WriteError is a write to the API server that has failed.
type WriteError struct {
	What string
	Err  error
}

func (e *WriteError) Error() string { return e.What + ": " + e.Err.Error() }

func (e *WriteError) Unwrap() error { return e.Err }

// QuietConflict makes a stale view, which is everyday life, a later look and no error.
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
