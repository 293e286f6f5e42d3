// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// entry is what a VideoGeneration means for the book of an account.
type entry struct {
	uid      types.UID
	name     types.NamespacedName
	created  time.Time
	priority int32

	// account is the one that bought the task, or is to buy; empty if none is known yet.
	account types.NamespacedName
	// attempt is the current one; empty if there is no task.
	attempt string
	// mayAsk says that nothing in the resource keeps it from buying: one that has asked for a place goes on waiting.
	mayAsk bool
	// queued says that it waits for its turn on the account, as far as the resource tells.
	queued bool
	// presumed says that it stands in the queue for that, because its reconcile has not been heard yet: it knows more.
	presumed bool
	// hasPlace says that it takes up a place in flight on the account.
	hasPlace bool
	// gotBy is the latest moment at which KIE.AI may have got the request for the task, if another process sent it;
	// zero if nothing was sent.
	gotBy time.Time
	// upgrade is what the account will buy for it without asking for a place; empty for nothing.
	upgrade upgrade
	// deleted says that it is gone, or going.
	deleted bool
}

// upgrade is a larger version of a video, as price tables have it.
type upgrade struct {
	model      v1alpha1.Model
	resolution v1alpha1.Resolution
}

// entryOf says what a resource means for its account. What is being deleted counts
// as deleted: nobody waits for its place, though its task may still run, as the task
// of one that is gone may. What it has sent does count in the window.
func entryOf(vg *v1alpha1.VideoGeneration) entry {
	e := entry{
		uid: vg.UID, name: types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name},
		created: vg.CreationTimestamp.Time, priority: ptr.Deref(vg.Spec.Priority, 0),
		account: vg.Status.Account.Key(),
	}
	task, bought := vg.Status.Task, isBoughtHere(vg)
	if task != nil {
		e.attempt = task.Attempt
	}
	if bought {
		e.gotBy = task.SubmittedAt.Add(strangersCount)
	}
	if !vg.DeletionTimestamp.IsZero() {
		e.deleted = true
		return e
	}
	e.mayAsk = !state.IsSuspended(vg) && !state.NeedsSource(vg) && !state.IsOfUnknownAPI(task)
	e.queued = state.IsQueued(vg) && mayPay(vg, e.account)
	e.hasPlace = (bought && state.InFlight(task)) || isUpgrading(vg)
	// It is asked for only where it was not asked for yet, and not while the user holds it back.
	if bought && vg.Status.Upgrade == nil && e.mayAsk && (state.InFlight(task) || state.UpgradePending(vg)) {
		e.upgrade = upgrade{model: vg.Spec.Model, resolution: vg.Spec.Resolution}
	}
	return e
}

// isBoughtHere reports whether the account of the resource has sent the request for
// its task. A task that was taken over was not bought, or by whom is not known:
// neither that of an id that a user has named, nor that of an attempt that a restored
// resource carries, until a callback has named its id. Nobody has to pay for either,
// so neither keeps others waiting.
//
// The status does not tell whether the record of a task that was taken over has said
// that it runs: its state is Running from the start.
func isBoughtHere(vg *v1alpha1.VideoGeneration) bool {
	task := vg.Status.Task
	if task == nil || state.IsAdopted(task) || (task.Account.IsZero() && task.ID == "") {
		return false
	}
	return task.Account.IsZero() || task.Account.Key() == vg.Status.Account.Key()
}

// isUpgrading reports whether KIE.AI is, or may be, at work at the larger version,
// which the account has paid for whoever bought the video.
func isUpgrading(vg *v1alpha1.VideoGeneration) bool {
	return vg.Status.Upgrade != nil && vg.Status.Upgrade.State == v1alpha1.UpgradeRunning
}

// mayPay reports whether the account may be the one that is to buy. Until something
// is bought anew, the status can name the account of the task before: where the spec
// or the video that is continued names another one, that one buys. Whether the
// account of last resort buys, only the reconciler knows.
func mayPay(vg *v1alpha1.VideoGeneration, account types.NamespacedName) bool {
	source := vg.Status.Source
	switch ref := vg.Spec.AccountRef; {
	case source != nil && source.Account.Key() != account:
		return false
	case ref != nil:
		return account == types.NamespacedName{Namespace: cmp.Or(ref.Namespace, vg.Namespace), Name: ref.Name}
	default:
		return source != nil || account.Name == v1alpha1.DefaultAccountName
	}
}

// matters reports whether the account has to remember the resource. It does not
// have to remember one that is finished.
func (e entry) matters() bool { return e.queued || e.hasPlace || e.upgrade != upgrade{} }

// candidate is the resource as it stands in the queue of an account, on which it
// holds a place or not.
func (e entry) candidate(hasPlace bool) candidate {
	return candidate{uid: e.uid, created: e.created, priority: e.priority, name: e.name, hasPlace: hasPlace}
}
