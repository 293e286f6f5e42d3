// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// maxRefusedAttempts is how many entries the CRD allows in status.refusedAttempts.
const maxRefusedAttempts = 16

// rememberRefused takes a purchase out of what was bought, on KIE.AI's word, and
// remembers its attempt for as long as its callback may say otherwise.
func (r *Reconciler) rememberRefused(l *scope, p purchase, task *v1alpha1.Task) {
	l.uncount(p)
	kept := r.withoutOldRefusals(l.vg.Status.RefusedAttempts)
	kept = append(kept, v1alpha1.RefusedAttempt{Attempt: task.Attempt, SubmittedAt: task.SubmittedAt, Account: task.Account, Credits: task.Credits})
	l.vg.Status.RefusedAttempts = kept[max(len(kept)-maxRefusedAttempts, 0):]
}

// withoutOldRefusals leaves out the attempts whose callback is not waited for any more.
func (r *Reconciler) withoutOldRefusals(refused []v1alpha1.RefusedAttempt) []v1alpha1.RefusedAttempt {
	now := r.Clock.Now()
	return slices.DeleteFunc(slices.Clone(refused), func(a v1alpha1.RefusedAttempt) bool {
		return a.TaskID == "" && now.After(a.SubmittedAt.Add(r.RecoveryWindow))
	})
}

// cameToNothing reports whether nothing was bought for an attempt, as far as is
// known: nothing was sent for it, or KIE.AI has refused it.
func (l *scope) cameToNothing(attempt string) bool {
	return slices.Contains(l.known.unbought, attempt) ||
		slices.ContainsFunc(l.vg.Status.RefusedAttempts, func(a v1alpha1.RefusedAttempt) bool { return a.Attempt == attempt })
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
	state.NoteRefusedCallback(l.vg)
	index, found := state.CalledBackRefused(l.vg)
	if !found {
		return false, nil
	}
	refused, c := l.vg.Status.RefusedAttempts[index], &l.known.refused
	if r.Clock.Now().Before(c.askAt) {
		l.requeueBy(c.askAt)
		return l.heldByRefused(refused, c.trouble), nil
	}
	price, err := accounts.ReadCredits(fmt.Sprintf("status.refusedAttempts[%d].credits", index), refused.Credits, accounts.CorrectStatus)
	if err != nil {
		return r.refusedAgain(l, refused, state.Wait{Reason: v1alpha1.ReasonUnreadableCredits, Message: err.Error()}), nil //nolint:nilerr // the wait says which it is
	}
	payer := cmp.Or(refused.Account, l.vg.Status.Account)
	account, err := accounts.Named(ctx, r.Client, payer)
	if err != nil {
		return true, err
	}
	if account == nil {
		w := accountNotFound(payer.Key())
		w.Message = fmt.Sprintf("KieAccount %s, which was to pay, does not exist: create it again", payer)
		return r.refusedAgain(l, refused, w), nil
	}
	record, unanswered, err := r.askAboutRefused(ctx, l, account, refused.TaskID)
	switch {
	case err != nil:
		return true, err
	case unanswered.Reason != "":
		return r.refusedAgain(l, refused, unanswered), nil
	case isOfAttempt(record, refused.Attempt):
		return r.takeRefused(ctx, l, madeAfterAll{attempt: refused, account: account, price: price})
	case saysNothing(record) && (!c.confirmed(r.Clock.Now()) || r.mayBeLate(refused)):
		return r.refusedAgain(l, refused, state.Wait{}), nil
	default:
		r.giveUpRefused(ctx, l, refused)
		return false, nil
	}
}

// askAboutRefused asks KIE.AI once about the task of a refused purchase. Without an
// answer it says what the next question waits for.
func (r *Reconciler) askAboutRefused(ctx context.Context, l *scope, account *v1alpha1.KieAccount, id string) (record kie.Record, unanswered state.Wait, err error) {
	if problem := accounts.Insecure(account, r.AllowInsecure); problem != "" {
		return record, state.Wait{Reason: v1alpha1.ReasonInsecureBaseURL, Message: fmt.Sprintf("KieAccount %s: %s", v1alpha1.IdentityOf(account), problem)}, nil
	}
	reply, err := r.question(ctx, account, func(ctx context.Context, at kie.Endpoint) (err error) {
		record, err = r.product.record(ctx, r.KIE, at, id)
		r.Metrics.Asked(record.State, err)
		return err
	})
	switch refusal := reply.refusal; {
	case err != nil, reply.answered():
		return record, state.Wait{}, err
	case refusal == nil:
		return record, reply.unasked, nil
	case refusal.Class == kie.ContentRejected: // KIE.AI does not speak of tasks that it has refused to make
		return kie.Record{State: kie.RecordAbsent, FromRefusal: true}, state.Wait{}, nil
	default:
		return record, r.refusedQuestion(account, l.vg.UID, refusal.Class, reply.apiKey), nil
	}
}

// isOfAttempt reports whether the record is that of the task which an attempt has
// made: it repeats the callback URL of the request, which ends in the attempt.
func isOfAttempt(record kie.Record, attempt string) bool {
	return !saysNothing(record) && record.State != kie.RecordExpired && strings.HasSuffix(record.CallbackURL, "/"+attempt)
}

// saysNothing reports whether KIE.AI shows no record of the task: there is none on
// this account, or not yet.
func saysNothing(record kie.Record) bool {
	return record.FromRefusal || record.State == kie.RecordAbsent
}

// mayBeLate reports whether the callback has come a short while ago: its record may
// be later.
func (r *Reconciler) mayBeLate(refused v1alpha1.RefusedAttempt) bool {
	return !r.Clock.Now().After(refused.CalledBackAt.Add(state.CallbackFollowed))
}

// refusedAgain comes back to ask once more. A purchase waits for the answer as
// long as it takes: what was called back for is most likely paid for. Where
// nothing is to be bought, an Event says what is not known, once, and it is asked
// for as long as KIE.AI remembers tasks.
func (r *Reconciler) refusedAgain(l *scope, refused v1alpha1.RefusedAttempt, trouble state.Wait) (stop bool) {
	now := r.Clock.Now()
	trouble.RetryAfter = state.PollAgainSoon
	l.known.refused.troubled(now, trouble)
	l.requeueBy(l.known.refused.askAt)
	if l.heldByRefused(refused, trouble) {
		return true
	}
	if !r.mayBeLate(refused) && l.known.refusedSaid != refused.Attempt {
		l.known.refusedSaid = refused.Attempt
		r.sayNotConfirmed(l, refused)
	}
	if now.After(refused.SubmittedAt.Add(state.VideoLifetime)) {
		l.forgetRefused(refused.Attempt)
	}
	return false
}

// giveUpRefused forgets a refused purchase of which KIE.AI says that it knows no
// such task, or that the task is that of another purchase.
func (r *Reconciler) giveUpRefused(ctx context.Context, l *scope, refused v1alpha1.RefusedAttempt) {
	log.FromContext(ctx).Info("KIE.AI does not confirm a purchase that it had refused and called back for", "taskID", refused.TaskID)
	r.sayNotConfirmed(l, refused)
	l.forgetRefused(refused.Attempt)
}

func (r *Reconciler) sayNotConfirmed(l *scope, refused v1alpha1.RefusedAttempt) {
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonRefusedNotConfirmed, report.ActionReconcile,
		"KIE.AI called back for a purchase that it had refused, and does not confirm that it was made: if it was, task %s is paid for; look at kie.ai/logs", refused.TaskID)
}

// heldByRefused says what a purchase waits for, if one is to be made.
func (l *scope) heldByRefused(refused v1alpha1.RefusedAttempt, trouble state.Wait) bool {
	if !l.buying() && !state.RetryPending(l.vg) {
		return false
	}
	message := fmt.Sprintf("KIE.AI called back with task %s for a purchase that it had refused; asking whether it was made before anything else is bought", refused.TaskID)
	if trouble.Message != "" {
		message += ". " + trouble.Message
	}
	if l.vg.Status.Task == nil && trouble.Reason == v1alpha1.ReasonAccountNotFound {
		message += fmt.Sprintf(", or set annotation %s to %s to take the task over with another account", v1alpha1.AnnotationAdoptTaskID, refused.TaskID)
	}
	l.wait = state.Wait{Kind: state.Retrying, Reason: cmp.Or(trouble.Reason, v1alpha1.ReasonSubmitting), Message: state.BoundedMessage(message)}
	return true
}

// madeAfterAll is a purchase that KIE.AI had refused and has made.
type madeAfterAll struct {
	attempt v1alpha1.RefusedAttempt
	// account is that for which it was sent, as it is now.
	account *v1alpha1.KieAccount
	price   credits.Amount
}

// task is the purchase after a number of others.
func (m madeAfterAll) task(number int32, operation v1alpha1.Operation, api v1alpha1.TaskAPI) acceptance {
	return acceptance{
		attempt: m.attempt.Attempt, taskID: m.attempt.TaskID, number: number, operation: operation, api: api,
		account: cmp.Or(m.attempt.Account, v1alpha1.IdentityOf(m.account)), submittedAt: m.attempt.SubmittedAt, credits: m.price.String(),
	}
}

// takeRefused books a purchase that was made after all, and takes its task over
// where the resource has no other.
func (r *Reconciler) takeRefused(ctx context.Context, l *scope, made madeAfterAll) (bool, error) {
	attempt, id, task := made.attempt.Attempt, made.attempt.TaskID, l.vg.Status.Task
	if task != nil && task.Attempt == attempt && task.ID == id {
		l.forgetRefused(attempt) // it is taken over already
		return false, nil
	}
	if err := r.bookAnyway(ctx, l, made.account, booking{purchase: attempt}, made.attempt.Account, made.price); err != nil {
		return true, err
	}
	l.forgetRefused(attempt)
	l.vg.Status.Purchases = l.counts().made + 1
	bought := made.task(1, state.OperationOf(l.vg), r.product.api())
	if task != nil {
		bought.number = task.Number + 1
	}
	logger := log.FromContext(ctx)
	open := task != nil && (task.State != v1alpha1.TaskFailed || !task.Settled()) && !state.NeedsPurchase(l.vg) && !isUnbought(l)
	switch {
	case open && task.ID == id:
		logger.Info("KIE.AI made a purchase that it had refused, whose task the user has named", "taskID", id)
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
	l.asks, l.wait = made.account, state.Wait{}
	l.summarize(r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	l.known.bought = bought
	l.known.task.startOver()
	l.known.task.askAt = r.Clock.Now()
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonRefusedAndMade, report.ActionReconcile,
		"KIE.AI refused the purchase and made it all the same: task %s is taken over", id)
	return false, nil
}

func (l *scope) forgetRefused(attempt string) {
	l.known.refused = conversation{}
	l.vg.Status.RefusedAttempts = slices.DeleteFunc(slices.Clone(l.vg.Status.RefusedAttempts), func(a v1alpha1.RefusedAttempt) bool { return a.Attempt == attempt })
	if len(l.vg.Status.RefusedAttempts) == 0 {
		l.vg.Status.RefusedAttempts = nil
	}
}
