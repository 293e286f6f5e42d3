// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// addressee is what an attempt stands for: the task of a VideoGeneration, or
// the upgrade of its video.
type addressee struct {
	// ids are the task ids that are known. anyID says that a callback may name another one as well.
	ids   []string
	anyID bool
	// settled says that no callback changes anything any more.
	settled bool
	// account signs what KIE.AI says of it.
	account v1alpha1.AccountIdentity
	// givenUpAt is when the operator gave it up though KIE.AI may go on; nil if it did not.
	givenUpAt *metav1.Time
}

// addresseeOf finds what the attempt stands for in the current state of the
// VideoGeneration.
func addresseeOf(vg *v1alpha1.VideoGeneration, attempt string) (addressee, bool) {
	task, upgrade := vg.Status.Task, vg.Status.Upgrade
	refused := slices.IndexFunc(vg.Status.RefusedAttempts, func(r v1alpha1.RefusedAttempt) bool { return r.Attempt == attempt })
	switch {
	case refused >= 0:
		// KIE.AI calls back for what it said it had not made. The resource may have been moved to another account since.
		a := vg.Status.RefusedAttempts[refused]
		return addressee{anyID: true, settled: a.TaskID != "", account: cmp.Or(a.Account, vg.Status.Account)}, true
	case task == nil:
		return addressee{}, false
	case task.Attempt == attempt:
		a := addressee{ids: known(task.ID), anyID: task.ID == "", settled: task.Settled(), account: vg.Status.Account}
		if task.State == v1alpha1.TaskFailed && !a.settled {
			a.givenUpAt = task.CompletedAt
		}
		return a, true
	case upgrade != nil && upgrade.Attempt == attempt:
		// KIE.AI names an upgrade by the task, or by an id of its own that nobody was told before.
		a := addressee{ids: known(upgrade.ID, task.ID), anyID: true, settled: upgrade.Settled(), account: vg.Status.Account}
		if upgrade.State == v1alpha1.UpgradeFailed && !a.settled {
			a.givenUpAt = upgrade.CompletedAt
		}
		return a, true
	default:
		return addressee{}, false
	}
}

// isUpgrade reports whether the attempt is that of an upgrade.
func isUpgrade(vg *v1alpha1.VideoGeneration, attempt string) bool {
	return vg.Status.Upgrade != nil && vg.Status.Upgrade.Attempt == attempt
}

func (a addressee) accepts(taskID string) bool { return a.anyID || slices.Contains(a.ids, taskID) }

func known(ids ...string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}
