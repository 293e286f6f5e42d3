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
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// purchase is one purchase that is to be made, or was.
type purchase struct {
	// account pays.
	account *v1alpha1.KieAccount
	// attempt is the token that stands for it, for which a place is reserved on the account.
	attempt string
	// price is what it costs, with its upgrade.
	price credits.Amount
	// previous is the task whose place it takes, nil if there is none.
	previous *v1alpha1.Task
	// overUnbought says that it takes the place of an attempt for which nothing was bought; previous is then the task
	// before that attempt.
	overUnbought bool
	// before and counts are the counts of purchases before it, and with it.
	before, counts purchaseCounts
	// apiKey is the key it is made with, images are where KIE.AI can fetch the images.
	apiKey string
	images []string
	// charge is what stands in the books for it.
	charge charge
}

// submit buys the video. Apart from the first question of an upgrade, this is the
// only place that spends money.
//
// KIE.AI has no idempotency key, no list of tasks and no way to cancel one, so
// the order of things is what keeps a purchase from being made twice: first the
// intent is written with the resourceVersion that was read, so that it fails if
// anything at all has changed since; then the request is sent once; then what
// came of it is written, whatever else has changed meanwhile. Once the intent
// is there and the answer is not, nothing is ever sent again for this attempt.
//
// When it lets the next step go on, the status has the task.
func (r *Reconciler) submit(ctx context.Context, l *scope, p purchase) (bool, error) {
	key := client.ObjectKeyFromObject(p.account)
	if ready, err := r.prepare(ctx, l, &p); !ready || err != nil {
		r.Ledger.Release(key, p.attempt)
		return true, err
	}
	begun, err := r.begin(ctx, l, &p)
	if err != nil {
		r.Ledger.Release(key, p.attempt)
		return true, errors.Join(err, r.refund(ctx, p.charge))
	}
	submission := r.buy(begun, l, p)
	bought := submission.Outcome == kie.Accepted || submission.Outcome == kie.Unknown
	r.Ledger.Answered(key, p.attempt, bought)
	r.Metrics.Submitted(submission.Outcome)
	stop, err := r.settlePurchase(begun, l, p, submission)
	if !bought {
		err = errors.Join(err, r.refund(begun, p.charge))
	}
	return stop, err
}

// prepare gets what a purchase needs before it is begun: the key, the images at
// KIE.AI, and its price in the books. If something is missing, l.wait says what.
func (r *Reconciler) prepare(ctx context.Context, l *scope, p *purchase) (ready bool, err error) {
	secrets, err := r.Credentials.Get(ctx, p.account)
	if problem, ok := errors.AsType[*credentials.Error](err); ok {
		l.wait = withoutCredentials(p.account, problem)
		return false, nil
	} else if err != nil {
		return false, err
	}
	p.apiKey = secrets.APIKey
	if p.images, ready, err = r.imageURLs(ctx, l, p.apiKey); !ready || err != nil {
		return false, err
	}
	charged, w, err := r.charge(ctx, p.account, p.attempt, p.price)
	if err != nil {
		return false, err
	}
	if w.Reason != "" {
		l.wait = w
		r.Ledger.Hold(p.account, l.vg.UID, w)
		return false, nil
	}
	p.charge = charged
	return true, nil
}

// begin writes the intent, and returns the context of the purchase. A process
// that is told to stop begins nothing; once it has begun, that does not get in
// between: the write of the intent would be made and not heard of, and the
// purchase would be a lost one though nothing was sent.
func (r *Reconciler) begin(ctx context.Context, l *scope, p *purchase) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	begun := context.WithoutCancel(ctx)
	writing, cancel := context.WithTimeout(begun, report.PersistTimeout)
	defer cancel()
	if err := r.writeIntent(writing, l, p); err != nil {
		return ctx, err
	}
	r.mark(writing, l)
	return begun, nil
}

// buy sends the request. The time for it runs from the intent: a process that was frozen in between
// does not send what others take for lost, or have bought again.
func (r *Reconciler) buy(ctx context.Context, l *scope, p purchase) kie.Submission {
	end := l.vg.Status.Task.SubmittedAt.Add(admission.SubmitTimeout)
	ctx, cancel := context.WithTimeout(ctx, end.Sub(r.Clock.Now()))
	defer cancel()
	ctx = kie.SendIf(ctx, func() bool { return r.Clock.Now().Before(end) })
	l.known.sending(l.vg.Status.Task)
	return r.KIE.Buy(ctx, accounts.Endpoint(p.account, p.apiKey), r.product.purchase(l.vg, p.images, r.callbackURL(p.attempt)))
}

// GatewayPause is how long nothing is bought on an account after a gateway has
// answered a purchase.
const GatewayPause = 30 * time.Second

// writeIntent stores that the attempt is about to be bought. It fails if the
// resource is not the one that was read.
func (r *Reconciler) writeIntent(ctx context.Context, l *scope, p *purchase) error {
	task := &v1alpha1.Task{
		Attempt:     p.attempt,
		Number:      1,
		SubmittedAt: r.submittedAt(&p.charge),
		Operation:   state.OperationOf(l.vg),
		API:         r.product.api(),
		Account:     v1alpha1.IdentityOf(p.account),
		State:       v1alpha1.TaskSubmitting,
		Credits:     p.price.String(),
	}
	if p.previous != nil {
		task.Number = p.previous.Number + 1
	}
	// Until the request is sent, an intent that may or may not have been stored is known to have bought nothing.
	l.known.nothingBought(p.attempt)
	if !p.overUnbought {
		l.known.replaced, l.known.replacedAccount = p.previous, l.stored.Status.Account
	}
	l.vg.Status.Purchases, l.vg.Status.Resubmissions = p.counts.made, p.counts.askedAgain
	l.vg.Status.Account, l.asks = task.Account, p.account
	l.known.task.startOver()
	l.vg.Status.Task = task
	l.vg.Status.History = state.WithPast(l.vg.Status.History, p.previous)
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
func (r *Reconciler) settlePurchase(ctx context.Context, l *scope, p purchase, submission kie.Submission) (bool, error) {
	logger := log.FromContext(ctx)
	task := l.vg.Status.Task.DeepCopy()
	switch submission.Outcome {
	case kie.Accepted:
		l.known.accepted = acceptanceOf(task, submission.TaskID)
		logger.Info("KIE.AI accepted the task", "taskID", submission.TaskID, "number", task.Number)
		return false, r.persistAccepted(ctx, l)

	case kie.Rejected:
		// Should this write fail, the request may be made again: it bought nothing.
		l.known.nothingBought(p.attempt)
		r.rememberRefused(l, p, task)
		state.FailRefused(task, submission.Err, r.Clock.Now())
		return true, r.persistTask(ctx, l, p.attempt, task)

	case kie.NotSent, kie.Deferred:
		l.known.nothingBought(p.attempt)
		if submission.Outcome == kie.NotSent {
			l.uncount(p)
		} else {
			r.rememberRefused(l, p, task)
		}
		logger.Info("Nothing was bought", "outcome", submission.Outcome, "class", submission.Err.Class, "code", submission.Err.Code)
		l.wait = r.refusedPurchase(p.account, l.vg.UID, submission.Err.Class, p.apiKey)
		l.vg.Status.History = state.WithoutPast(l.vg.Status.History, p.previous)
		if p.previous != nil {
			l.vg.Status.Account = l.known.replacedAccount // that task stays with the account that bought it
		}
		return true, r.persistTask(ctx, l, p.attempt, p.previous)

	default:
		if failure := submission.Err; failure != nil && !failure.Own && failure.Code != 0 {
			// Something in front of KIE.AI answers in its place: the others do not become lost purchases one after the other.
			key := client.ObjectKeyFromObject(p.account)
			r.Ledger.Refuse(key, kie.Unavailable, p.apiKey, GatewayPause)
			r.CheckAccount(key) // the check of the account says what is in the way
		}
		logger.Info("It is not known whether the video was bought", "class", submission.Err.Class, "code", submission.Err.Code, "cause", submission.Err.Err)
		l.requeueBy(r.Clock.Now()) // what becomes of it is for the next look, as after a restart
		return true, nil
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
