// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
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
		l.known.task.askAt = now
	}
	if l.due(now, s) {
		record, answered, err := r.ask(ctx, l, task.ID)
		if err != nil {
			return true, err
		}
		if !answered {
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
		l.wait = l.known.task.trouble
	}
	if !task.Settled() {
		l.requeueBy(l.known.task.askAt)
	}
	if task.State == v1alpha1.TaskRunning {
		l.requeueBy(s.Next(r.Clock.Now()))
	}
	return false, nil
}

// forgottenInTrouble ends a task that KIE.AI has said nothing of for as long as
// KIE.AI remembers tasks. Otherwise the task would keep its place in flight for ever.
func (r *Reconciler) forgottenInTrouble(l *scope) {
	task, now := l.vg.Status.Task, r.Clock.Now()
	if state.InFlight(task) && !now.Before(task.SubmittedAt.Add(state.VideoLifetime)) {
		state.EndTask(task, v1alpha1.ReasonTaskExpired, 0, fmt.Sprintf(
			"KIE.AI did not say within 14 days what became of task %s, and does not know it any longer: look at kie.ai/logs", task.ID), now)
		l.wait, l.known.task.trouble = state.Wait{}, state.Wait{}
	}
}

// followOn keeps asking for a while after a callback about what was given up:
// the record may be later than the callback, and KIE.AI does not call again.
func (l *scope) followOn(now time.Time) {
	if now.Before(l.vg.Status.Callback.ReceivedAt.Add(state.CallbackFollowed)) {
		l.known.task.askAt = now.Add(state.PollAgainSoon)
		l.requeueBy(l.known.task.askAt)
	}
}

// schedule is when to ask about the task of the resource. Where no callback
// will come, or one came and the task went on, asking is all there is.
func (r *Reconciler) schedule(l *scope) state.Schedule {
	task := l.vg.Status.Task
	expected := r.CallbackBaseURL != "" && !state.IsAdopted(task) && !state.CalledBack(l.vg)
	return state.NewSchedule(task.SubmittedAt.Time, l.vg.UID, expected)
}

// due reports whether it is time to ask about the task. What was given up is
// worth a question only for a callback, or for the user.
func (l *scope) due(now time.Time, s state.Schedule) bool {
	task, c := l.vg.Status.Task, &l.known.task
	if state.IsAdopted(task) && state.InFlight(task) && c.answeredAt.IsZero() && c.askAt.IsZero() {
		return true
	}
	return c.due(now, turn{schedule: s, since: l.known.since, end: state.Deadline(l.vg), receipt: l.receipt(), givenUp: !state.InFlight(task)})
}

// receipt is the callback about the task, nil if there is none.
func (l *scope) receipt() *v1alpha1.CallbackReceipt {
	if !state.CalledBack(l.vg) {
		return nil
	}
	return l.vg.Status.Callback
}

// ask asks KIE.AI about a task. Where there was no answer that says something of
// the task, l.wait says why, and it comes back to ask again.
func (r *Reconciler) ask(ctx context.Context, l *scope, id string) (record kie.Record, answered bool, err error) {
	now, c := r.Clock.Now(), &l.known.task
	if l.asks == nil {
		l.troubled(&c.conversation, now, accountNotFound(l.vg.Status.Account.Key()))
		return kie.Record{}, false, nil
	}
	reply, err := r.question(ctx, l.asks, func(ctx context.Context, at kie.Endpoint) (err error) {
		record, err = r.record(ctx, at, l.vg.Status.Task, id)
		r.Metrics.Asked(record.State, err)
		return err
	})
	switch {
	case err != nil:
		return kie.Record{}, false, err
	case reply.answered():
	case reply.refusal != nil && reply.refusal.Class == kie.ContentRejected && c.confirmed(now):
		// KIE.AI refuses to speak of tasks that it has refused to make. That is as final as a failure, if it stays.
		record = kie.Record{State: kie.RecordFailed, FromRefusal: true, ErrorCode: reply.refusal.Code, ErrorMessage: reply.refusal.Message}
	default:
		if reply.refusal != nil && reply.refusal.Class != kie.ContentRejected && state.FailureReasons[reply.refusal.Class] != "" {
			c.answeredAt = now // it says nothing of the task, but at the deadline it will do
		}
		l.troubled(&c.conversation, now, r.unanswered(l, reply))
		return kie.Record{}, false, nil
	}
	l.heard = true
	c.answered(now, l.receipt())
	return record, true, nil
}

// unanswered is what the next question about the task waits for.
func (r *Reconciler) unanswered(l *scope, without reply) state.Wait {
	again := state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonGenerating}
	switch refusal := without.refusal; {
	case refusal == nil:
		return without.unasked
	case refusal.Class == kie.ContentRejected:
		again.RetryAfter, again.Message = state.PollAgainSoon, "KIE.AI refuses to say how the task goes on; asking again"
	case state.FailureReasons[refusal.Class] != "":
		again.RetryAfter, again.Message = state.PollEveryWithout, "KIE.AI does not say how the task goes on; asking again"
	default:
		return r.refusedQuestion(l.asks, l.vg.UID, refusal.Class, without.apiKey)
	}
	return again
}

// troubled says why a question had no answer, and comes back to ask again.
func (l *scope) troubled(c *conversation, now time.Time, w state.Wait) {
	l.wait = c.troubled(now, w)
	l.requeueBy(c.askAt)
}

// applyRecord writes KIE.AI's word on the task into the status. Words that would end a
// task that is paid for have to last.
func (r *Reconciler) applyRecord(ctx context.Context, l *scope, record kie.Record) error {
	now, task := r.Clock.Now(), l.vg.Status.Task
	if !record.FromRefusal && record.State != kie.RecordAbsent {
		l.known.task.seen = true
	}
	l.known.task.absent = record.State == kie.RecordAbsent
	switch record.State {
	case kie.RecordAbsent:
		if state.FailedFor(task, v1alpha1.ReasonTaskNotFound) {
			return nil // that is known
		}
		if l.known.task.seen || !state.IsAdopted(task) {
			// It has spoken of this task, or has named it when it was bought: what is paid for is given up by its time
			// alone. Which of both it is, the next process does not know.
			if now.Before(task.SubmittedAt.Add(state.AbsentGrace)) && !l.known.task.seen {
				l.known.task.askAt = now.Add(state.PollAgainSoon) // the record of a new task can be late
				return nil
			}
			l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonGenerating, Message: fmt.Sprintf(
				"KIE.AI says that it does not know task %s, which it has made; asking again until spec.timeout%s", task.ID, l.createdAgain())}
			l.known.task.trouble = l.wait // it is said until there is another answer
			return nil
		}
		// The record of a new task can be late, and what was restored may be new.
		restored := l.vg.Annotations[v1alpha1.AnnotationAdoptTaskID] != task.ID
		if restored && now.Before(task.SubmittedAt.Add(state.AbsentGrace)) || !l.known.task.confirmed(now) {
			l.known.task.askAt = now.Add(state.PollAgainSoon)
			return nil
		}
		state.EndTask(task, v1alpha1.ReasonTaskNotFound, 0, fmt.Sprintf(
			"KIE.AI knows no task %s on this account: set annotation %s to the right task id, or %s to %q to buy again%s",
			task.ID, v1alpha1.AnnotationAdoptTaskID, v1alpha1.AnnotationResubmit, task.Attempt, l.createdAgain()), now)
		return nil
	case kie.RecordExpired:
		if !l.known.task.confirmed(now) {
			l.known.task.askAt = now.Add(state.PollAgainSoon)
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
	l.known.task.doubtedSince = time.Time{}
	return nil
}

// applyPrice writes what the finished task has cost: by KIE.AI's word, or by the
// price table. Where KIE.AI has charged more than was booked, the difference is
// booked.
func (r *Reconciler) applyPrice(ctx context.Context, l *scope, record kie.Record) error {
	task := l.vg.Status.Task
	prices, unread := accounts.PricesOf(l.asks)
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
	if booked, ok := r.bookedFor(l.vg, prices); ok && booked.Less(charged) {
		return r.bookAnyway(ctx, l, l.asks, booking{difference: task.Attempt}, buyerOf(l.vg), charged.Minus(booked))
	}
	return nil
}

// bookedFor is what was booked for the task alone, when it was bought: the price
// table may say something else by now. Where the price of its upgrade is not known,
// it is what was booked for both.
func (r *Reconciler) bookedFor(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits.Amount, bool) {
	booked, err := credits.Parse(vg.Status.Task.Credits)
	if err != nil {
		return credits.Amount{}, false // that holds the account, and says so
	}
	if upgrade, ok := r.product.upgradePrice(vg, prices); ok && upgrade.Less(booked) {
		booked = booked.Minus(upgrade)
	}
	return booked, true
}

// sayPriceDiffers says, once for each price, that KIE.AI has charged another one
// than the price table says.
func (r *Reconciler) sayPriceDiffers(ctx context.Context, l *scope, price credits.Amount) {
	task, key := l.vg.Status.Task, client.ObjectKeyFromObject(l.asks)
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
