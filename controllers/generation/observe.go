// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// observe asks KIE.AI about the task, when its callback has come in or the
// schedule says so. Only that answer changes what the status says of the task.
//
// When it lets the next step go on, the status says what KIE.AI said last, and
// l.requeueAt when to ask again.
func (r *Reconciler) observe(ctx context.Context, l *scope) (bool, error) {
	task := l.vg.Status.Task
	switch {
	case task == nil || (task.ID == "" && state.InFlight(task)):
		return true, nil
	case task.ID == "" || task.Settled():
		return false, nil
	}
	now, s := r.Clock.Now(), r.schedule(l)
	if l.isLeaving() && state.FailedFor(task, v1alpha1.ReasonTimedOut) {
		return false, nil
	}
	if state.FailedFor(task, v1alpha1.ReasonTimedOut) && now.Before(state.Deadline(l.vg)) {
		// The user gave it more time.
		task.State, task.Failure, task.CompletedAt = v1alpha1.TaskRunning, nil, nil
		l.known.askAt = now
	}
	if l.due(now, s) {
		record, ok, err := r.ask(ctx, l, task.ID)
		if err != nil {
			return true, err
		}
		if !ok {
			r.forgottenInTrouble(l)
			return false, nil
		}
		if err := r.applyRecord(ctx, l, record); err != nil {
			return true, err
		}
		if task.State == v1alpha1.TaskFailed && !task.Settled() && state.CalledBack(l.vg) {
			l.followOn(now)
		}
	} else {
		l.wait = l.known.trouble
	}
	if !task.Settled() {
		l.requeueBy(l.known.askAt)
	}
	if task.State == v1alpha1.TaskRunning {
		l.requeueBy(s.Next(r.Clock.Now()))
	}
	return false, nil
}

// forgottenInTrouble ends a task that KIE.AI has said nothing of for as long as
// it remembers tasks. It would keep its place in flight for ever.
func (r *Reconciler) forgottenInTrouble(l *scope) {
	task, now := l.vg.Status.Task, r.Clock.Now()
	if state.InFlight(task) && !now.Before(task.SubmittedAt.Add(state.VideoLifetime)) {
		state.EndTask(task, v1alpha1.ReasonTaskExpired, 0, fmt.Sprintf(
			"KIE.AI did not say within 14 days what became of task %s, and does not know it any longer: look at kie.ai/logs", task.ID), now)
		l.wait, l.known.trouble = state.Wait{}, state.Wait{}
	}
}

// followOn keeps asking for a while after a callback about what was given up:
// the record may be later than the callback, and KIE.AI does not call again.
func (l *scope) followOn(now time.Time) {
	if now.Before(l.vg.Status.Callback.ReceivedAt.Add(state.CallbackFollowed)) {
		l.known.askAt = now.Add(state.PollAgainSoon)
		l.requeueBy(l.known.askAt)
	}
}

// schedule is when to ask about the task of the resource. Where no callback
// will come, or one came and the task went on, asking is all there is.
func (r *Reconciler) schedule(l *scope) state.Schedule {
	task := l.vg.Status.Task
	expected := r.CallbackBaseURL != "" && !state.IsAdopted(task) && !state.CalledBack(l.vg)
	return state.NewSchedule(task.SubmittedAt.Time, l.vg.UID, expected)
}

// due reports whether it is time to ask about the task.
func (l *scope) due(now time.Time, s state.Schedule) bool {
	task, known := l.vg.Status.Task, l.known
	if !known.askAt.IsZero() {
		return !known.askAt.After(now)
	}
	if state.CalledBack(l.vg) && !known.callback.Equal(&l.vg.Status.Callback.ReceivedAt) {
		return true
	}
	if !state.InFlight(task) {
		return false // it was given up: only a callback, or the user, makes it worth a question
	}
	if state.IsAdopted(task) && known.answeredAt.IsZero() {
		return true
	}
	last := known.since
	if known.answeredAt.After(last) {
		last = known.answeredAt
	}
	if !s.Next(last).After(now) {
		return true
	}
	end := state.Deadline(l.vg)
	return !now.Before(end) && known.answeredAt.Before(end)
}

// ask asks KIE.AI about a task. Not ok means that there was no answer that says
// something of the task; l.wait and l.known.askAt then say why and when to ask
// again.
func (r *Reconciler) ask(ctx context.Context, l *scope, id string) (record kie.Record, ok bool, err error) {
	record, ok, err = r.question(ctx, l, id)
	if err != nil {
		return record, false, err
	}
	l.recordTrouble(ok, r.Clock.Now())
	return record, ok, nil
}

// recordTrouble remembers whether a question had an answer, and comes back to ask
// again if it had none.
func (l *scope) recordTrouble(ok bool, now time.Time) {
	switch {
	case ok:
		l.known.troubledSince = time.Time{}
	case l.known.troubledSince.IsZero():
		l.known.troubledSince = now
	default:
		// The longer the trouble, the rarer the question.
		l.wait.RetryAfter = max(l.wait.RetryAfter, min(now.Sub(l.known.troubledSince), state.PollEveryWithCallbacks))
	}
	l.known.trouble = l.wait
	if !ok {
		l.known.askAt = now.Add(l.wait.RetryAfter)
		l.requeueBy(l.known.askAt)
	}
}

func (r *Reconciler) question(ctx context.Context, l *scope, id string) (record kie.Record, ok bool, err error) {
	now := r.Clock.Now()
	if l.account == nil || l.mute {
		l.wait = accountNotFound(l.vg.Status.Account.Key())
		return kie.Record{}, false, nil
	}
	secrets, err := r.Credentials.Get(ctx, l.account)
	if err != nil {
		_, err = r.withoutCredentials(l, err)
		return kie.Record{}, false, err
	}
	record, err = r.KIE.Record(ctx, accounts.Endpoint(l.account, secrets.APIKey), familyOf(l.vg.Status.Task), id)
	r.Metrics.Asked(record.State, err)
	if err == nil {
		l.asked = true
		l.known.answeredAt, l.known.askAt = now, time.Time{}
		if state.CalledBack(l.vg) {
			l.known.callback = l.vg.Status.Callback.ReceivedAt
		}
		return record, true, nil
	}
	if ctx.Err() != nil {
		return kie.Record{}, false, ctx.Err()
	}
	var refusal *kie.Error
	if !errors.As(err, &refusal) {
		return kie.Record{}, false, err
	}
	switch {
	case refusal.Class == kie.ContentRejected:
		// KIE.AI refuses to speak of tasks that it has refused to make. That is as final as a failure, if it stays.
		if l.confirmed(now) {
			l.asked = true
			return kie.Record{State: kie.RecordFailed, FromRefusal: true, ErrorCode: refusal.Code, ErrorMessage: refusal.Message}, true, nil
		}
		l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonGenerating, RetryAfter: state.PollAgainSoon,
			Message: "KIE.AI refuses to say how the task goes on; asking again"}
	case state.FailureReasons[refusal.Class] != "":
		// An answer, though it says nothing of the task: at the deadline it will do.
		l.known.answeredAt = now
		l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonGenerating, RetryAfter: state.PollEveryWithout,
			Message: "KIE.AI does not say how the task goes on; asking again"}
	default:
		l.wait = r.refuse(l, refusal.Class, secrets.APIKey, false)
	}
	return kie.Record{}, false, nil
}

// confirmed reports whether answers that would end the task have been all that
// was heard for a while.
func (l *scope) confirmed(now time.Time) bool {
	if l.known.doubtedSince.IsZero() {
		l.known.doubtedSince = now
	}
	return now.Sub(l.known.doubtedSince) >= state.ConfirmAfter
}

// applyRecord writes KIE.AI's word on the task into the status. Words that would end a
// task that is paid for have to last.
func (r *Reconciler) applyRecord(ctx context.Context, l *scope, record kie.Record) error {
	now, task := r.Clock.Now(), l.vg.Status.Task
	if !record.FromRefusal && record.State != kie.RecordAbsent {
		l.known.seen = true
	}
	l.known.absent = record.State == kie.RecordAbsent
	switch record.State {
	case kie.RecordAbsent:
		if state.FailedFor(task, v1alpha1.ReasonTaskNotFound) {
			return nil // that is known
		}
		if l.known.seen || !state.IsAdopted(task) {
			// It has spoken of this task, or has named it when it was bought: what is paid for is given up by its time
			// alone. Which of both it is, the next process does not know.
			if now.Before(task.SubmittedAt.Add(state.AbsentGrace)) && !l.known.seen {
				l.known.askAt = now.Add(state.PollAgainSoon) // the record of a new task can be late
				return nil
			}
			l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonGenerating, Message: fmt.Sprintf(
				"KIE.AI says that it does not know task %s, which it has made; asking again until spec.timeout%s", task.ID, l.createdAgain())}
			l.known.trouble = l.wait // it is said until there is another answer
			return nil
		}
		// The record of a new task can be late, and what was restored may be new.
		restored := l.vg.Annotations[v1alpha1.AnnotationAdoptTaskID] != task.ID
		if restored && now.Before(task.SubmittedAt.Add(state.AbsentGrace)) || !l.confirmed(now) {
			l.known.askAt = now.Add(state.PollAgainSoon)
			return nil
		}
		state.EndTask(task, v1alpha1.ReasonTaskNotFound, 0, fmt.Sprintf(
			"KIE.AI knows no task %s on this account: set annotation %s to the right task id, or %s to %q to buy again%s",
			task.ID, v1alpha1.AnnotationAdoptTaskID, v1alpha1.AnnotationResubmit, task.Attempt, l.createdAgain()), now)
		return nil
	case kie.RecordExpired:
		if !l.confirmed(now) {
			l.known.askAt = now.Add(state.PollAgainSoon)
			return nil
		}
		state.EndTask(task, v1alpha1.ReasonTaskExpired, 0, fmt.Sprintf("KIE.AI no longer speaks of task %s: it does so for 14 days", task.ID), now)
	case kie.RecordFailed:
		r.product.fail(l.vg, record, now)
	case kie.RecordSucceeded:
		task.State, task.Failure = v1alpha1.TaskSucceeded, nil
		task.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
		if err := r.applyPrice(ctx, l, record); err != nil {
			return err
		}
		l.vg.Status.Videos = r.product.results(record, task)
		if slices.Contains(record.HasAudio, false) {
			r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonWithoutSound, report.ActionReconcile, "KIE.AI left the sound of the video out, as it does where that breaks a policy")
		}
		r.probe(ctx, l.vg.Status.Videos)
		l.vg.Status.FallbackUsed = ptr.To(record.FallbackUsed)
	case kie.RecordRunning:
	}
	l.known.doubtedSince = time.Time{}
	return nil
}

// applyPrice writes what the finished task has cost: by KIE.AI's word, or by the
// price table. Where KIE.AI has charged more than was booked, the difference is
// booked.
func (r *Reconciler) applyPrice(ctx context.Context, l *scope, record kie.Record) error {
	task := l.vg.Status.Task
	prices, unread := accounts.PricesOf(l.account)
	price, priced := accounts.TaskPrice(l.vg, prices)
	switch {
	case record.Credits == nil && priced:
		task.CreditsConsumed = price.String()
		return nil
	case record.Credits == nil:
		return nil
	}
	charged := *record.Credits
	task.CreditsConsumed = charged.String()
	if state.IsAdopted(task) {
		return nil // who bought it has booked it
	}
	if unread == nil && priced && charged != price {
		r.sayPriceDiffers(ctx, l, price)
	}
	if booked, ok := bookedFor(l.vg, prices); ok && booked.Less(charged) {
		return r.bookAnyway(ctx, l, l.account, booking{difference: task.Attempt}, buyerOf(l.vg), charged.Minus(booked))
	}
	return nil
}

// bookedFor is what was booked for the task alone, when it was bought: the price
// table may say something else by now. Where the price of its upgrade is not known,
// it is what was booked for both.
func bookedFor(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits.Amount, bool) {
	booked, err := credits.Parse(vg.Status.Task.Credits)
	if err != nil {
		return credits.Amount{}, false // that holds the account, and says so
	}
	if upgrade, ok := accounts.UpgradePrice(vg, prices); ok && upgrade.Less(booked) {
		booked = booked.Minus(upgrade)
	}
	return booked, true
}

// sayPriceDiffers says, once for each price, that KIE.AI has charged another one
// than the price table says.
func (r *Reconciler) sayPriceDiffers(ctx context.Context, l *scope, price credits.Amount) {
	task, key := l.vg.Status.Task, client.ObjectKeyFromObject(l.account)
	r.Metrics.PriceDiffers(string(l.vg.Spec.Model), task.Operation)
	sentence := fmt.Sprintf("KIE.AI charged %s credits for %s with model %s, and the price table of KieAccount %s says %s: correct its spec.prices",
		task.CreditsConsumed, task.Operation, l.vg.Spec.Model, key, price)
	if !r.Ledger.SayOnce(key, sentence) {
		return
	}
	r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonPriceDiffers, report.ActionReconcile, "%s", sentence)
	log.FromContext(ctx).Info("KIE.AI charged another price than the table says", "model", l.vg.Spec.Model, "operation", task.Operation,
		"charged", task.CreditsConsumed, "expected", price)
}

// withoutCredentials says what to wait for when the account's Secret cannot be used.
func (r *Reconciler) withoutCredentials(l *scope, err error) (bool, error) {
	var problem *credentials.Error
	if !errors.As(err, &problem) {
		return true, err
	}
	l.wait = state.Wait{Kind: state.Retrying, Reason: problem.Reason, RetryAfter: time.Minute,
		Message: fmt.Sprintf("KieAccount %s/%s: %s", l.account.Namespace, l.account.Name, problem.Message)}
	return true, nil
}

// familyOf is the family of KIE.AI's API that knows the task.
func familyOf(task *v1alpha1.Task) kie.Family {
	return kie.Family(cmp.Or(task.API, v1alpha1.TaskAPIVeo))
}
