// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// maxRefusedAttempts is the limit of the API on what is remembered of them.
const maxRefusedAttempts = 16

// rememberRefused takes a purchase out of what was bought, on KIE.AI's word, and
// remembers its attempt for as long as its callback may say otherwise.
func (r *Reconciler) rememberRefused(l *scope, task *v1alpha1.Task) {
	l.uncount()
	kept := r.withoutOldRefusals(l.vg.Status.RefusedAttempts)
	kept = append(kept, v1alpha1.RefusedAttempt{Attempt: task.Attempt, SubmittedAt: task.SubmittedAt, Account: task.Account, Credits: task.Credits})
	l.vg.Status.RefusedAttempts = kept[max(len(kept)-maxRefusedAttempts, 0):]
}

// withoutOldRefusals leaves out those whose callback is not waited for any more.
func (r *Reconciler) withoutOldRefusals(refused []v1alpha1.RefusedAttempt) []v1alpha1.RefusedAttempt {
	now := r.Clock.Now()
	return slices.DeleteFunc(slices.Clone(refused), func(a v1alpha1.RefusedAttempt) bool {
		return now.After(a.SubmittedAt.Add(r.RecoveryWindow))
	})
}

// followRefused looks after the callback of a purchase that KIE.AI said it had
// not made. Where its record shows that it was made, the task is taken over if
// nothing else was bought, and booked in any case, for what it was to cost. All
// of it concerns the account that the purchase was sent for, which need not be
// the one that the resource names now.
//
// When it lets the next step go on, no such callback is open, or nothing is to
// be bought.
func (r *Reconciler) followRefused(ctx context.Context, l *scope) (bool, error) {
	index, found := state.CalledBackRefused(l.vg)
	if !found {
		return false, nil
	}
	refused, id := l.vg.Status.RefusedAttempts[index], l.vg.Status.Callback.TaskID
	if now := r.Clock.Now(); now.Before(l.known.refusedAt) {
		l.requeueBy(l.known.refusedAt)
		return r.heldByRefused(l, l.known.refusedTrouble), nil
	}
	price, err := accounts.ReadCredits(fmt.Sprintf("status.refusedAttempts[%d].credits", index), refused.Credits, accounts.CorrectStatus)
	if err != nil {
		return r.refusedAgain(l, refused, state.Wait{Reason: v1alpha1.ReasonUnreadableCredits, Message: "nothing more is bought: " + err.Error()}), nil
	}
	account, err := accounts.Named(ctx, r.Client, cmp.Or(refused.Account, l.vg.Status.Account))
	if err != nil {
		return true, err
	}
	if account == nil {
		return r.refusedAgain(l, refused, state.Wait{Reason: v1alpha1.ReasonAccountNotFound, Message: fmt.Sprintf(
			"KIE.AI called back for a purchase that it had refused, and KieAccount %s, which could ask whether it was made, does not exist: create it, or set annotation %s to %s to take the task over with another account",
			refused.Account, v1alpha1.AnnotationAdoptTaskID, id)}), nil
	}
	record, ok := r.recordOf(ctx, account, id)
	switch {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case ok && isOfAttempt(record, refused.Attempt):
		return r.takeRefused(ctx, l, madeAfterAll{attempt: refused, account: account, taskID: id, price: price})
	case ok && saysNothing(record) && r.followsRefused(l), !ok:
		return r.refusedAgain(l, refused, state.Wait{}), nil
	default: // it is not the task of this purchase
		l.forgetRefused(refused.Attempt)
		return false, nil
	}
}

// isOfAttempt reports whether the record is that of the task which an attempt has made.
func isOfAttempt(record kie.Record, attempt string) bool {
	return !saysNothing(record) && record.State != kie.RecordExpired && strings.HasSuffix(record.CallbackURL, "/"+attempt)
}

// saysNothing reports whether KIE.AI does not speak of the task, which may be too
// early, or no task of this account.
func saysNothing(record kie.Record) bool {
	return record.FromRefusal || record.State == kie.RecordAbsent
}

// followsRefused reports whether the callback has come a short while ago: its
// record may be later.
func (r *Reconciler) followsRefused(l *scope) bool {
	return !r.Clock.Now().After(l.vg.Status.Callback.ReceivedAt.Add(state.CallbackFollowed))
}

// refusedAgain comes back to ask once more. A purchase waits for the answer as
// long as it takes: what was called back for is most likely paid for. Where
// nothing is to be bought, it ends with an Event.
func (r *Reconciler) refusedAgain(l *scope, refused v1alpha1.RefusedAttempt, trouble state.Wait) (stop bool) {
	every := state.PollAgainSoon
	if !r.followsRefused(l) {
		every = state.PollEveryWithCallbacks
	}
	l.known.refusedAt, l.known.refusedTrouble = r.Clock.Now().Add(every), trouble
	held := r.heldByRefused(l, trouble)
	if !held && !r.followsRefused(l) {
		r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonRefusedNotChecked, report.ActionReconcile,
			"KIE.AI called back for a purchase that it had refused, and could not be asked whether it was made: if so, task %s is paid for; look at kie.ai/logs", l.vg.Status.Callback.TaskID)
		l.forgetRefused(refused.Attempt)
		return false
	}
	l.requeueBy(l.known.refusedAt)
	return held
}

// recordOf asks KIE.AI once about a task that is not that of the resource. Not ok
// means that there was no answer that says something of it.
func (r *Reconciler) recordOf(ctx context.Context, account *v1alpha1.KieAccount, id string) (record kie.Record, ok bool) {
	secrets, err := r.Credentials.Get(ctx, account)
	if err != nil || accounts.Insecure(account, r.AllowInsecure) != "" {
		return kie.Record{}, false
	}
	record, err = r.KIE.Record(ctx, accounts.Endpoint(account, secrets.APIKey), kie.Family(r.product.api()), id)
	r.Metrics.Asked(record.State, err)
	return record, err == nil
}

// heldByRefused says what a purchase waits for, if one is to be made.
func (r *Reconciler) heldByRefused(l *scope, trouble state.Wait) bool {
	if !l.buying() && !state.RetryPending(l.vg) {
		return false
	}
	l.wait = state.Wait{Kind: state.Retrying, Reason: cmp.Or(trouble.Reason, v1alpha1.ReasonSubmitting),
		Message: cmp.Or(trouble.Message, "KIE.AI called back for a purchase that it had refused; asking whether it was made after all")}
	return true
}

// madeAfterAll is a purchase that KIE.AI had refused and has made.
type madeAfterAll struct {
	attempt v1alpha1.RefusedAttempt
	// account is that for which it was sent, as it is now.
	account *v1alpha1.KieAccount
	taskID  string
	price   credits.Amount
}

// takeRefused books a purchase that was made after all, and takes its task over
// where the resource has no other.
func (r *Reconciler) takeRefused(ctx context.Context, l *scope, made madeAfterAll) (bool, error) {
	attempt, id := made.attempt.Attempt, made.taskID
	if err := r.bookAnyway(ctx, l, made.account, booking{purchase: attempt}, made.attempt.Account, made.price); err != nil {
		return true, err
	}
	l.forgetRefused(attempt)
	l.vg.Status.Purchases++
	task := l.vg.Status.Task
	bought := acceptance{
		attempt: attempt, taskID: id, number: 1, operation: state.OperationOf(l.vg), api: r.product.api(),
		account: cmp.Or(made.attempt.Account, v1alpha1.IdentityOf(made.account)), submittedAt: made.attempt.SubmittedAt, credits: made.price.String(),
	}
	if task != nil {
		bought.number = task.Number + 1
	}
	logger := log.FromContext(ctx)
	open := task != nil && (task.State != v1alpha1.TaskFailed || !task.Settled()) && !state.NeedsPurchase(l.vg) && !isUnbought(l)
	switch {
	case open && task.ID == id:
		logger.Info("KIE.AI made a purchase that it had refused, which the user has named", "taskID", id)
		return false, nil
	case open && task.Attempt != attempt:
		l.vg.Status.History = state.WithPast(l.vg.Status.History, bought.task())
		logger.Info("KIE.AI made a purchase that it had refused, beside another one", "taskID", id)
		r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonPaidTwice, report.ActionReconcile,
			"KIE.AI refused a purchase and made it all the same: task %s is paid for beside the task of this resource; ask KIE.AI for the credits, or take it over in a new VideoGeneration with annotation %s: %s",
			id, v1alpha1.AnnotationAdoptTaskID, id)
		return false, nil
	case task != nil && task.Attempt == attempt:
		bought.number, task = task.Number, nil
	}
	logger.Info("KIE.AI made a purchase that it had refused", "taskID", id)
	l.vg.Status.Task, l.vg.Status.History = bought.task(), state.WithPast(l.vg.Status.History, task)
	l.vg.Status.Account = bought.account
	l.known.bought, l.again = bought, false
	l.known.startOver()
	l.known.askAt = r.Clock.Now()
	l.account, l.wait = made.account, state.Wait{}
	l.summarize(r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonRefusedAndMade, report.ActionReconcile,
		"KIE.AI refused the purchase and made it all the same: task %s is taken over", id)
	return false, nil
}

func (l *scope) forgetRefused(attempt string) {
	l.known.refusedAt, l.known.refusedTrouble = time.Time{}, state.Wait{}
	l.vg.Status.RefusedAttempts = slices.DeleteFunc(slices.Clone(l.vg.Status.RefusedAttempts), func(a v1alpha1.RefusedAttempt) bool { return a.Attempt == attempt })
	if len(l.vg.Status.RefusedAttempts) == 0 {
		l.vg.Status.RefusedAttempts = nil
	}
}
