// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// submit buys the video. It is the only place that spends money.
//
// KIE.AI has no idempotency key, no list of tasks and no way to cancel one, so
// the order of things is what keeps a purchase from being made twice: first the
// intent is written with the resourceVersion that was read, so that it fails if
// anything at all has changed since; then the request is sent once; then what
// came of it is written, whatever else has changed meanwhile. Once the intent
// is there and the answer is not, nothing is ever sent again for this attempt.
//
// When it lets the next step go on, nothing was to be bought, or the status
// says what is known of the purchase.
func (r *Reconciler) submit(ctx context.Context, l *scope) (bool, error) {
	if l.attempt == "" {
		return false, nil
	}
	key, price := client.ObjectKeyFromObject(l.account), l.price
	secrets, err := r.Credentials.Get(ctx, l.account)
	if err != nil {
		r.Ledger.Release(key, l.attempt)
		return r.withoutCredentials(l, err)
	}
	urls, ok, err := r.imageURLs(ctx, l, secrets.APIKey)
	if err != nil || !ok {
		r.Ledger.Release(key, l.attempt)
		return true, err
	}
	if ok, err := r.charge(ctx, l, price); err != nil || !ok {
		r.Ledger.Release(key, l.attempt)
		if !ok && err == nil {
			r.Ledger.Hold(l.account, l.vg.UID, l.wait)
		}
		return true, err
	}

	previous := l.vg.Status.Task
	if isUnbought(l) {
		previous = l.known.replaced
	}
	begun, err := r.begin(ctx, l, previous)
	if err != nil {
		r.Ledger.Release(key, l.attempt)
		return true, errors.Join(err, r.refund(ctx, l, l.attempt, price))
	}
	submission := r.buy(begun, l, accounts.Endpoint(l.account, secrets.APIKey), urls)
	bought := submission.Outcome == kie.Accepted || submission.Outcome == kie.Unknown
	r.Ledger.Answered(key, l.attempt, bought)
	r.Metrics.Submitted(submission.Outcome)
	stop, err := r.settlePurchase(begun, l, submission, previous, secrets.APIKey)
	if !bought {
		err = errors.Join(err, r.refund(begun, l, l.attempt, price))
	}
	return stop, err
}

// begin writes the intent, and returns the context of the purchase. A process
// that is told to stop begins nothing; once it has begun, that does not get in
// between: the write of the intent would be made and not heard of, and the
// purchase would be a lost one though nothing was sent.
func (r *Reconciler) begin(ctx context.Context, l *scope, previous *v1alpha1.Task) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	begun := context.WithoutCancel(ctx)
	writing, cancel := context.WithTimeout(begun, report.PersistTimeout)
	defer cancel()
	if err := r.writeIntent(writing, l, previous); err != nil {
		return ctx, err
	}
	r.mark(writing, l)
	return begun, nil
}

// buy sends the request. The time for it runs from the intent: a process that was frozen in between
// does not send what others take for lost, or have bought again.
func (r *Reconciler) buy(ctx context.Context, l *scope, endpoint kie.Endpoint, images []string) kie.Submission {
	end := l.vg.Status.Task.SubmittedAt.Add(admission.SubmitTimeout)
	ctx, cancel := context.WithTimeout(ctx, end.Sub(r.Clock.Now()))
	defer cancel()
	ctx = kie.SendIf(ctx, func() bool { return r.Clock.Now().Before(end) })
	l.known.sending(l.vg.Status.Task)
	return r.KIE.Buy(ctx, endpoint, r.product.purchase(l.vg, images, r.callbackURL(l.attempt)))
}

// GatewayPause is how long nothing is bought on an account after a gateway has
// answered a purchase.
const GatewayPause = 30 * time.Second

// purchaseLimit says that no more may be bought for the resource: as much was
// bought, or may have been, as spec.retry and the user have asked for. It is a
// bound on what a mistake anywhere else can cost.
func purchaseLimit(l *scope) (state.Wait, bool) {
	purchases, allowed := l.made(), max(l.vg.Spec.Retry.MaxAttempts, 1)+l.askedAgain()
	if purchases < allowed {
		return state.Wait{}, false
	}
	return state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPurchaseLimitReached, RetryAfter: purchaseLimitResync, Message: fmt.Sprintf(
		"%d purchases were made or may have been, and spec.retry.maxAttempts and annotation %s allow %d: look at status.history and kie.ai/logs; to buy again, set %s to the attempt in status.task, or raise spec.retry.maxAttempts",
		purchases, v1alpha1.AnnotationResubmit, allowed, v1alpha1.AnnotationResubmit)}, true
}

// purchaseLimitResync is how soon a resource that may buy no more is in the queue again.
const purchaseLimitResync = 10 * time.Minute

// made counts the purchases of the resource, without one that is known to have
// come to nothing though the status still says that it is being made.
func (l *scope) made() int32 {
	if isUnbought(l) {
		return max(l.vg.Status.Purchases-1, 0)
	}
	return l.vg.Status.Purchases
}

// purchaseCounts are the counts of the status before a purchase.
type purchaseCounts struct{ made, askedAgain int32 }

// uncount takes a purchase out of the counts that was not made.
func (l *scope) uncount() {
	l.vg.Status.Purchases, l.vg.Status.Resubmissions = l.before.made, l.before.askedAgain
}

// askedAgain counts the purchases that the user has asked for by name, with the
// one that is to be made now.
func (l *scope) askedAgain() int32 {
	if l.vg.Status.Task != nil && state.NeedsPurchase(l.vg) {
		return l.vg.Status.Resubmissions + 1
	}
	return l.vg.Status.Resubmissions
}

// writeIntent stores that the attempt is about to be bought. It fails if the
// resource is not the one that was read.
func (r *Reconciler) writeIntent(ctx context.Context, l *scope, previous *v1alpha1.Task) error {
	task := &v1alpha1.Task{
		Attempt:     l.attempt,
		Number:      1,
		SubmittedAt: r.submittedAt(l, l.attempt, l.price),
		Operation:   state.OperationOf(l.vg),
		API:         r.product.api(),
		Account:     v1alpha1.IdentityOf(l.account),
		State:       v1alpha1.TaskSubmitting,
		Credits:     l.price.String(),
	}
	if previous != nil {
		task.Number = previous.Number + 1
	}
	// Until the request is sent, an intent that may or may not have been stored is known to have bought nothing.
	l.known.nothingBought(l.attempt)
	if !isUnbought(l) {
		l.known.replaced, l.known.replacedAccount = previous, l.stored.Status.Account
	}
	l.vg.Status.Account = task.Account
	l.before = purchaseCounts{made: l.made(), askedAgain: l.vg.Status.Resubmissions}
	l.vg.Status.Purchases, l.vg.Status.Resubmissions = l.made()+1, l.askedAgain()
	l.known.startOver()
	l.vg.Status.Task = task
	l.vg.Status.History = state.WithPast(l.vg.Status.History, previous)
	l.vg.Status.Videos, l.vg.Status.FallbackUsed, l.vg.Status.Upgrade = nil, nil, nil
	l.summarize(r.Clock.Now())
	if err := r.lockStatus(ctx, l); err != nil {
		return fmt.Errorf("writing the intent to buy: %w", err)
	}
	return nil
}

// callbackURL is where KIE.AI is to call back for an attempt; empty if nowhere.
func (r *Reconciler) callbackURL(attempt string) string {
	if r.CallbackBaseURL == "" {
		return ""
	}
	return attempts.URL(r.CallbackBaseURL, attempt)
}

// settlePurchase stores what is known after the request.
func (r *Reconciler) settlePurchase(ctx context.Context, l *scope, submission kie.Submission, previous *v1alpha1.Task, apiKey string) (bool, error) {
	logger := log.FromContext(ctx)
	task := l.vg.Status.Task.DeepCopy()
	switch submission.Outcome {
	case kie.Accepted:
		l.known.accepted = acceptanceOf(task, submission.TaskID)
		logger.Info("KIE.AI accepted the task", "taskID", submission.TaskID, "number", task.Number)
		return false, r.persistAccepted(ctx, l)

	case kie.Rejected:
		// Should this write fail, the request may be made again: it bought nothing.
		l.known.nothingBought(l.attempt)
		r.rememberRefused(l, task)
		state.FailRefused(task, submission.Err, r.Clock.Now())
		return true, r.persistTask(ctx, l, l.attempt, task)

	case kie.NotSent, kie.Deferred:
		l.known.nothingBought(l.attempt)
		if submission.Outcome == kie.NotSent {
			l.uncount()
		} else {
			r.rememberRefused(l, task)
		}
		logger.Info("Nothing was bought", "outcome", submission.Outcome, "class", submission.Err.Class, "code", submission.Err.Code)
		l.wait = r.refuse(l, submission.Err.Class, apiKey, true)
		l.vg.Status.History = state.WithoutPast(l.vg.Status.History, previous)
		if previous != nil {
			l.vg.Status.Account = l.known.replacedAccount // that task stays with the account that bought it
		}
		return true, r.persistTask(ctx, l, l.attempt, previous)

	default:
		if failure := submission.Err; failure != nil && !failure.Own && failure.Code != 0 {
			// Something in front of KIE.AI answers in its place: the others do not become lost purchases one after the other.
			key := client.ObjectKeyFromObject(l.account)
			r.Ledger.Refuse(key, kie.Unavailable, apiKey, GatewayPause)
			r.CheckAccount(key) // the check of the account says what is in the way
		}
		logger.Info("It is not known whether the video was bought", "class", submission.Err.Class, "code", submission.Err.Code, "cause", submission.Err.Err)
		return r.recover(ctx, l)
	}
}

// persistAccepted stores the id of the task that KIE.AI accepted.
func (r *Reconciler) persistAccepted(ctx context.Context, l *scope) error {
	task := l.vg.Status.Task.DeepCopy()
	l.known.bought = l.known.accepted
	task.ID, task.API, task.State = l.known.accepted.taskID, l.known.accepted.api, v1alpha1.TaskRunning
	task.Failure, task.CompletedAt = nil, nil
	if err := r.persistTask(ctx, l, task.Attempt, task); err != nil {
		return err
	}
	l.known.accepted = acceptance{}
	return nil
}
