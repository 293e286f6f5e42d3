// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IsVeo reports whether the task belongs to the Veo API, so that its id means
// something there.
func (t *Task) IsVeo() bool {
	return t.API == "" || t.API == TaskAPIVeo
}

// Settled reports whether nothing that KIE.AI says can change the outcome of
// the task any more.
//
// A task that the operator has given up is not settled: KIE.AI may finish it
// after all, and then a late callback brings back a video that is paid for.
func (t *Task) Settled() bool {
	if t == nil {
		return false
	}
	switch t.State {
	case TaskSucceeded:
		return true
	case TaskFailed:
		return t.Failure == nil || !givenUp(t.Failure.Reason)
	default:
		return false
	}
}

// Settled reports whether nothing that KIE.AI says can change the outcome of
// the upgrade any more.
func (u *Upgrade) Settled() bool {
	if u == nil {
		return false
	}
	switch u.State {
	case UpgradeSucceeded:
		return true
	case UpgradeFailed:
		return u.Failure == nil || !givenUp(u.Failure.Reason)
	default:
		return false
	}
}

func givenUp(reason string) bool {
	switch reason {
	case ReasonTimedOut, ReasonSubmissionUnknown, ReasonTaskNotFound:
		return true
	default:
		return false
	}
}
