// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// resourceMemory is what this process knows about a resource beyond its status.
// All of it may be lost: then the operator asks or waits where it would have
// known. Only the reconcile of that resource touches it.
type resourceMemory struct {
	// since is when the resource was first seen.
	since time.Time
	purchaseMemory
	imageMemory
	// task is about the task, or about its upgrade when that is finished.
	task taskMemory
	// links is about fresh links to the videos, and refused about a purchase that was refused and called back for.
	links, refused conversation
	// refusedSaid is the refused attempt of which it was said last that KIE.AI does not confirm it.
	refusedSaid string
	// mirror is the trouble with writing the annotations.
	mirror mirrorTrouble
	// unwrittenSaid is when it was last said that the status is refused.
	unwrittenSaid time.Time
}

// purchaseMemory is what this process knows about the purchases of a resource.
type purchaseMemory struct {
	// accepted is the task that KIE.AI accepted for an attempt, until it is persisted.
	accepted acceptance
	// bought is the last purchase of which this process knows, or does not know yet, that it was made. It is
	// compared with the status, which others can empty or put back.
	bought acceptance
	// unbought are the last attempts of which this process knows that nothing was bought: nothing was sent for
	// them, or they were refused. Another attempt may take their place.
	unbought []string
	// replaced is the task before the unbought attempt, which a resubmission has put out of the status, and
	// replacedAccount the account of that task.
	replaced        *v1alpha1.Task
	replacedAccount v1alpha1.AccountIdentity
	// booked are the things that were booked beside the price of a purchase, once: the write that says so may have to
	// be made again.
	booked map[booking]bool
}

// taskMemory is what KIE.AI has said about a task.
type taskMemory struct {
	conversation
	// seen says that KIE.AI has shown a record of the task, absent that it has said last that there is none.
	seen, absent bool
}

// startOver forgets what KIE.AI said of an earlier task of the resource. The
// callback that was followed last stays: it is not followed again.
func (m *taskMemory) startOver() {
	*m = taskMemory{conversation: conversation{callback: m.callback}}
}

// maxUnbought bounds how many attempts are remembered. One would do if it were
// always known which of them the API server has stored.
const maxUnbought = 8

// nothingBought notes that nothing was bought for the attempt.
func (r *purchaseMemory) nothingBought(attempt string) {
	if r.bought.attempt == attempt {
		r.bought = acceptance{}
	}
	r.unbought = append(r.unbought, attempt)
	r.unbought = r.unbought[max(0, len(r.unbought)-maxUnbought):]
}

// sending notes that from now on it is not known whether the task is bought.
func (r *purchaseMemory) sending(task *v1alpha1.Task) {
	r.unbought = slices.DeleteFunc(r.unbought, func(known string) bool { return known == task.Attempt })
	r.bought = acceptanceOf(task, "")
}

// acceptance is a purchase that was made, or may have been, and the task that
// came of it, if it is known.
type acceptance struct {
	attempt, taskID string
	number          int32
	operation       v1alpha1.Operation
	api             v1alpha1.TaskAPI
	account         v1alpha1.AccountIdentity
	submittedAt     metav1.Time
	credits         string
}

func acceptanceOf(task *v1alpha1.Task, id string) acceptance {
	return acceptance{
		attempt: task.Attempt, taskID: id, number: task.Number, operation: task.Operation, api: task.API, account: task.Account,
		submittedAt: task.SubmittedAt, credits: task.Credits,
	}
}

// task is the purchase as it is in a status: running, or lost if its task is not
// known.
func (a acceptance) task() *v1alpha1.Task {
	task := &v1alpha1.Task{
		Attempt: a.attempt, Number: a.number, Operation: a.operation, API: a.api, Account: a.account, SubmittedAt: a.submittedAt,
		Credits: a.credits, ID: a.taskID, State: v1alpha1.TaskRunning,
	}
	if task.ID == "" {
		task.State = v1alpha1.TaskSubmitting
	}
	return task
}
