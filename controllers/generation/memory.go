// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// resourceMemory is what this process knows about a resource beyond its status.
// All of it may be lost: then the operator asks or waits where it would have
// known. Only the reconcile of that resource touches it.
type resourceMemory struct {
	// accepted is the task that KIE.AI accepted for an attempt, until it is persisted.
	accepted acceptance
	// bought is the last purchase of which this process knows, or does not know yet, that it was made. It is
	// compared with the status, which others can empty or put back.
	bought acceptance
	// unbought are the last attempts of which this process knows that nothing was bought: nothing was sent for
	// them, or they were refused. Another attempt may take their place.
	unbought []string
	// replaced is the task before the unbought attempt, which a resubmission has put out of the status.
	replaced *v1alpha1.Task

	// since is when the resource was first seen.
	since time.Time
	// answeredAt is when KIE.AI last answered a question about the task; zero if it never did.
	answeredAt time.Time
	// seen says that KIE.AI has shown a record of the task, absent that it has said last that there is none.
	seen, absent bool
	// askAt is when to ask again out of turn; zero if there is no need.
	askAt time.Time
	// trouble is why the last question had no answer that says something of the task.
	trouble state.Wait
	// troubledSince is when that began.
	troubledSince time.Time
	// callback is the receipt that was last followed.
	callback metav1.MicroTime
	// replacedAccount is the account of that task.
	replacedAccount v1alpha1.AccountIdentity
	// linksAt is when to ask for fresh links again.
	linksAt time.Time
	// imagesGoodAt is when all images were last found to be usable, uploads where those of the cluster are at
	// KIE.AI, by the name that they have there.
	imagesGoodAt time.Time
	uploads      map[string]upload
	// booked are the things that were booked beside the price of a purchase, once: the write that says so may have to
	// be made again.
	booked map[booking]bool
	// unwrittenSaid is when it was last said that the status is refused.
	unwrittenSaid time.Time
	// refusedAt is when to ask again about a purchase that was refused and called back for.
	refusedAt time.Time
	// refusedTrouble is why it could not be asked, if it is known.
	refusedTrouble state.Wait
	// mirror is the trouble with writing the annotations.
	mirror mirrorTrouble
	// doubtedSince is when the answers began that would end the task if they were confirmed.
	doubtedSince time.Time
}

// startOver forgets what KIE.AI said of an earlier task of the resource.
func (r *resourceMemory) startOver() {
	r.answeredAt, r.askAt, r.doubtedSince, r.seen = time.Time{}, time.Time{}, time.Time{}, false
	r.trouble, r.troubledSince, r.absent = state.Wait{}, time.Time{}, false
}

// maxUnbought bounds how many attempts are remembered. One would do if it were
// always known which of them the API server has stored.
const maxUnbought = 8

// nothingBought notes that nothing was bought for the attempt.
func (r *resourceMemory) nothingBought(attempt string) {
	if r.bought.attempt == attempt {
		r.bought = acceptance{}
	}
	r.unbought = append(r.unbought, attempt)
	r.unbought = r.unbought[max(0, len(r.unbought)-maxUnbought):]
}

// sending notes that from now on it is not known whether the task is bought.
func (r *resourceMemory) sending(task *v1alpha1.Task) {
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
