// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// maxRefusedAttempts is the limit of the API on what is remembered of them.
const maxRefusedAttempts = 16

// Reasons of the Events about a purchase that KIE.AI has made although it said
// that it had not.
const (
	reasonRefusedAndMade = "RefusedAndMade"
	reasonPaidTwice      = "PaidTwice"
)

// rememberRefused takes a purchase out of what was bought, on KIE.AI's word, and
// remembers its attempt for as long as its callback may say otherwise.
func (r *Reconciler) rememberRefused(l *scope, task *v1alpha1.Task) {
	l.uncount()
	kept := r.withoutOldRefusals(l.vg.Status.RefusedAttempts)
	kept = append(kept, v1alpha1.RefusedAttempt{Attempt: task.Attempt, SubmittedAt: task.SubmittedAt, Account: task.Account})
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
// nothing else was bought, and booked in any case, as soon as it has a price.
//
// When it lets the next step go on, no such callback is open, or nothing is to
// be bought.
func (r *Reconciler) followRefused(ctx context.Context, l *scope) (bool, error) {
	refused, found := state.CalledBackRefused(l.vg)
	if !found || l.account == nil {
		return false, nil
	}
	now, receipt := r.Clock.Now(), l.vg.Status.Callback
	over := now.After(receipt.ReceivedAt.Add(state.CallbackFollowed))
	if l.known.refusedAt.After(now) && !over {
		l.requeueBy(l.known.refusedAt)
		return r.heldByRefused(l), nil
	}
	record, ok := r.recordOf(ctx, l.account, receipt.TaskID)
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	made := ok && !record.FromRefusal && record.State != kie.RecordAbsent && record.State != kie.RecordExpired &&
		strings.HasSuffix(record.CallbackURL, "/"+refused.Attempt)
	switch {
	case made && !l.priced: // it cannot be booked, and is not taken for free
	case made:
		return r.takeRefused(ctx, l, refused, receipt.TaskID)
	case over, ok && !record.FromRefusal && record.State != kie.RecordAbsent: // it is not the task of this purchase
		l.forgetRefused(refused.Attempt)
		return false, nil
	}
	l.known.refusedAt = now.Add(state.PollAgainSoon)
	l.requeueBy(l.known.refusedAt)
	return r.heldByRefused(l), nil
}

// recordOf asks KIE.AI once about a task that is not that of the resource. Not ok
// means that there was no answer that says something of it.
func (r *Reconciler) recordOf(ctx context.Context, account *v1alpha1.KieAccount, id string) (record kie.Record, ok bool) {
	secrets, err := r.Credentials.Get(ctx, account)
	if err != nil {
		return kie.Record{}, false
	}
	record, err = r.KIE.Record(ctx, accounts.Endpoint(account, secrets.APIKey), kie.Family(r.product.api()), id)
	r.Metrics.Asked(record.State, err)
	return record, err == nil
}

// heldByRefused says what a purchase waits for, if one is to be made.
func (r *Reconciler) heldByRefused(l *scope) bool {
	if !l.buying() && !state.RetryPending(l.vg) {
		return false
	}
	l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonSubmitting,
		Message: "KIE.AI called back for a purchase that it had refused; asking whether it was made after all"}
	return true
}

// takeRefused books a purchase that was made after all, and takes its task over
// where the resource has no other.
func (r *Reconciler) takeRefused(ctx context.Context, l *scope, refused v1alpha1.RefusedAttempt, id string) (bool, error) {
	if err := r.bookAnyway(ctx, l, booking{purchase: refused.Attempt}, refused.Account, l.price); err != nil {
		return true, err
	}
	l.forgetRefused(refused.Attempt)
	l.vg.Status.Purchases++
	task := l.vg.Status.Task
	made := acceptance{
		attempt: refused.Attempt, taskID: id, number: 1, operation: state.OperationOf(l.vg), api: v1alpha1.TaskAPIVeo, account: refused.Account,
		submittedAt: refused.SubmittedAt, credits: l.price.String(),
	}
	if task != nil {
		made.number = task.Number + 1
	}
	logger := log.FromContext(ctx)
	open := task != nil && (task.State != v1alpha1.TaskFailed || !task.Settled()) && !state.NeedsPurchase(l.vg) && !isUnbought(l)
	if open && task.Attempt != refused.Attempt {
		l.vg.Status.History = state.WithPast(l.vg.Status.History, made.task())
		logger.Info("KIE.AI made a purchase that it had refused, beside another one", "taskID", id)
		r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, reasonPaidTwice, report.ActionReconcile,
			"KIE.AI refused a purchase and made it all the same: task %s is paid for beside the task of this resource; ask KIE.AI for the credits, or take it over in a new VideoGeneration with annotation %s: %s",
			id, v1alpha1.AnnotationAdoptTaskID, id)
		return false, nil
	}
	if task != nil && task.Attempt == refused.Attempt {
		made.number, task = task.Number, nil
	}
	logger.Info("KIE.AI made a purchase that it had refused", "taskID", id)
	l.vg.Status.Task, l.vg.Status.History = made.task(), state.WithPast(l.vg.Status.History, task)
	l.vg.Status.Account = v1alpha1.IdentityOf(l.account)
	if refused.Account.IsReplacedBy(l.account) {
		l.vg.Status.Account = refused.Account
	}
	l.known.bought, l.again = made, false
	l.known.startOver()
	l.known.askAt = r.Clock.Now()
	l.wait = state.Wait{}
	l.summarize(r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, reasonRefusedAndMade, report.ActionReconcile,
		"KIE.AI refused the purchase and made it all the same: task %s is taken over", id)
	return false, nil
}

func (l *scope) forgetRefused(attempt string) {
	l.known.refusedAt = time.Time{}
	l.vg.Status.RefusedAttempts = slices.DeleteFunc(slices.Clone(l.vg.Status.RefusedAttempts), func(a v1alpha1.RefusedAttempt) bool { return a.Attempt == attempt })
	if len(l.vg.Status.RefusedAttempts) == 0 {
		l.vg.Status.RefusedAttempts = nil
	}
}
