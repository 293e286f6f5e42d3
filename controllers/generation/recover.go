// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// remember stores the id of a task that KIE.AI accepted and the API server has
// not been told of yet. It comes before everything else: whatever the user asks
// for, this task is paid for.
//
// When it lets the next step go on, the status has every task that this process
// knows of.
func (r *Reconciler) remember(ctx context.Context, l *scope) (bool, error) {
	accepted, task := l.known.accepted, l.vg.Status.Task
	switch {
	case accepted.taskID == "":
		return r.restoreBought(ctx, l)
	case task == nil: // somebody has emptied the status
		return r.restoreBought(ctx, l)
	case state.IsLost(task) && task.Attempt == accepted.attempt:
		return false, r.persistAccepted(ctx, l)
	case task.Attempt != accepted.attempt:
		// The view may be older than the purchase: what is paid for is not forgotten on its word.
		current, err := r.isCurrent(ctx, l.vg, accepted.attempt, "")
		if err != nil {
			return true, err
		}
		if current {
			return true, report.ErrOvertaken
		}
		fallthrough
	case task.ID != accepted.taskID:
		log.FromContext(ctx).Info("A task that was paid for is not in the status, which has gone on without it", "taskID", accepted.taskID)
	}
	l.known.accepted = acceptance{}
	return false, nil
}

// restoreBought puts the last purchase that this process knows of back into a
// status that was emptied, or that somebody has replaced by one of before it.
func (r *Reconciler) restoreBought(ctx context.Context, l *scope) (bool, error) {
	bought, task := l.known.bought, l.vg.Status.Task
	if bought.attempt == "" || (task != nil && (task.Attempt == bought.attempt || task.Number >= bought.number)) {
		return false, nil
	}
	if current, err := r.isCurrent(ctx, l.vg, bought.attempt, ""); err != nil {
		return true, err
	} else if current {
		return true, report.ErrOvertaken // the view is older than the purchase
	}
	log.FromContext(ctx).Info("A purchase was not in the status any more, and is put back", "taskID", bought.taskID)
	l.vg.Status.Task = bought.task()
	if !bought.account.IsZero() {
		l.vg.Status.Account = bought.account
	}
	l.vg.Status.Purchases = max(l.vg.Status.Purchases, bought.number)
	l.summarize(r.Clock.Now())
	if err := r.writeStatus(ctx, l); err != nil {
		return true, err
	}
	l.known.accepted = acceptance{}
	return false, nil
}

// isCurrent asks the API server itself whether the attempt is the current one of
// the resource, and in that state, if one is given.
func (r *Reconciler) isCurrent(ctx context.Context, vg *v1alpha1.VideoGeneration, attempt string, in v1alpha1.TaskState) (bool, error) {
	live := &v1alpha1.VideoGeneration{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(vg), live); err != nil {
		return false, fmt.Errorf("reading the VideoGeneration past the cache: %w", err)
	}
	task := live.Status.Task
	return live.UID == vg.UID && task != nil && task.Attempt == attempt && (in == "" || task.State == in), nil
}

// recover finds the task of a purchase whose answer was lost: in the callback of
// the attempt, which carries the id. It never buys.
//
// When it lets the next step go on, the id is in the status, nothing was bought
// or lost, or the user asks to buy again. What is still lost after the recovery
// window ends as SubmissionUnknown; a callback that comes even later is followed
// all the same.
func (r *Reconciler) recover(ctx context.Context, l *scope) (bool, error) {
	task := l.vg.Status.Task
	if l.mute {
		return false, nil
	}
	if state.NeedsPurchase(l.vg) && task != nil && task.ID != "" && !task.Settled() {
		// The user asks to buy again what was given up. If its callback is there, it may be finished after all.
		_, err := r.observe(ctx, l)
		return err != nil || l.wait.Reason != "", err
	}
	if !state.IsLost(task) || isUnbought(l) {
		return false, nil
	}
	switch {
	case state.CalledBack(l.vg) && l.due(r.Clock.Now(), r.schedule(l)):
		if found, err := r.follow(ctx, l); found || err != nil {
			return !found, err
		}
	case state.CalledBack(l.vg):
		l.wait = l.known.trouble
	}
	now, end := r.Clock.Now(), task.SubmittedAt.Add(r.RecoveryWindow)
	over := r.CallbackBaseURL == "" || !now.Before(end)
	if state.NeedsPurchase(l.vg) && l.wait.Reason == "" {
		// It may be long until it can be bought again, and others wait for its place in flight.
		if over && task.State == v1alpha1.TaskSubmitting {
			endLost(l.vg, l.createdAgain(), now)
		} else if !over {
			l.requeueBy(end)
		}
		return false, nil
	}
	if task.State == v1alpha1.TaskFailed {
		l.requeueBy(l.known.askAt)
		return true, nil
	}
	if l.wait.Reason != "" {
		l.requeueBy(l.known.askAt)
		return true, nil // the callback is there, and KIE.AI could not be asked about it
	}
	if over {
		endLost(l.vg, l.createdAgain(), now)
		return true, nil
	}
	l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonSubmitting,
		Message: "the answer to the purchase was lost; waiting for the callback, which says whether it was made"}
	l.requeueBy(end)
	if state.CalledBack(l.vg) {
		l.requeueBy(r.schedule(l).Next(now))
	}
	return true, nil
}

// endLost gives up a purchase of which nothing was heard, and says the ways out.
// createdAgain is what is to be said of its account, if anything.
func endLost(vg *v1alpha1.VideoGeneration, createdAgain string, now time.Time) {
	task, named := vg.Status.Task, ""
	if state.CalledBack(vg) {
		named = fmt.Sprintf(" A callback named task %s, which KIE.AI does not confirm%s.", vg.Status.Callback.TaskID, createdAgain)
	}
	state.EndTask(task, v1alpha1.ReasonSubmissionUnknown, 0, fmt.Sprintf(
		"the answer to the purchase was lost, so it may or may not have been made: look at kie.ai/logs, then set annotation %s to its task id, or %s to %q to buy again.%s",
		v1alpha1.AnnotationAdoptTaskID, v1alpha1.AnnotationResubmit, task.Attempt, named), now)
}

// follow asks KIE.AI about the task that the callback of a lost purchase names,
// and takes it if it is the one that was bought.
func (r *Reconciler) follow(ctx context.Context, l *scope) (found bool, err error) {
	task := l.vg.Status.Task
	id := l.vg.Status.Callback.TaskID
	record, ok, err := r.ask(ctx, l, id)
	if !ok || err != nil {
		return false, err
	}
	// A refusal to speak of a task does not prove that there is one.
	if record.FromRefusal || record.State == kie.RecordAbsent || record.State == kie.RecordExpired {
		l.followOn(r.Clock.Now())
		return false, nil
	}
	// KIE.AI repeats the callback URL of the request, which ends in the attempt: another one is another purchase.
	if record.CallbackURL != "" && !strings.HasSuffix(record.CallbackURL, "/"+task.Attempt) {
		log.FromContext(ctx).Info("A callback named a task that another attempt has bought", "taskID", id)
		return false, nil
	}
	if slices.Contains(l.known.unbought, task.Attempt) {
		// It was taken out of the books on KIE.AI's word that it was not made.
		if price, err := credits.Parse(task.Credits); err == nil {
			if err := r.bookAnyway(ctx, l, l.account, booking{purchase: task.Attempt}, buyerOf(l.vg), price); err != nil {
				return false, err
			}
		}
	}
	l.known.accepted = acceptanceOf(task, id)
	l.known.askAt = r.Clock.Now()
	log.FromContext(ctx).Info("The callback named the task whose answer was lost", "taskID", id)
	return true, r.persistAccepted(ctx, l)
}
