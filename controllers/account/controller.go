// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/byname"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// How often an account is looked at.
const (
	// BalanceEvery is how often the balance is asked for while nothing goes on.
	BalanceEvery = 5 * time.Minute
	// CountEvery is the least time between two writes of the counts, which change with every video.
	CountEvery = 5 * time.Second
)

// Reconciler writes into the status of each KieAccount whether it can buy.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client      client.Client
	Credentials *credentials.Store
	KIE         *kie.Client
	Ledger      *admission.Ledger
	Clock       clock.PassiveClock
	Metrics     *report.Metrics

	// CallbackBaseURL is where KIE.AI reaches the callback server; empty means polling only.
	CallbackBaseURL string
	// AllowInsecure accepts a plain http baseURL.
	AllowInsecure bool

	checks byname.Map[check]
}

// check is what the last question to KIE.AI about an account brought.
type check struct {
	generation int64
	at         time.Time
	ready      metav1.Condition
	// keysKnown says that the Secret was read, signed that it has webhook keys.
	keysKnown, signed bool
	credits           *credits.Amount
	// unread says that a number of credits could not be read.
	unread bool
	// counts are what the account had then: when they change, so will the balance.
	counts  counts
	wroteAt time.Time
}

// counts are the sums over the VideoGenerations of an account.
type counts struct {
	inFlight, queued int32
	// purchases only grows while the resources are there, so that it also tells of a video that was bought and
	// finished between two looks.
	purchases int64
	// unread names a purchase whose credits cannot be read.
	unread error
}

// Reconcile looks at an account: whether its credentials are accepted, what its
// balance is, and what it has in flight.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	account := &v1alpha1.KieAccount{}
	if err := r.Client.Get(ctx, req.NamespacedName, account); apierrors.IsNotFound(err) {
		r.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the account: %w", err)
	}
	r.Ledger.Identify(v1alpha1.IdentityOf(account))
	last := r.last(account)
	counted, err := r.count(ctx, account)
	if err != nil {
		return ctrl.Result{}, err
	}
	now := r.Clock.Now()
	_, unread := accounts.Readable(account, now)
	unread = cmp.Or(unread, counted.unread)
	if r.due(account, last, counted, now) || last.unread != (unread != nil) {
		if last, err = r.check(ctx, account, last, unread); err != nil {
			return ctrl.Result{}, err
		}
		last.counts = counted
	}
	r.Metrics.Account(req.NamespacedName, last.credits, counted.inFlight, counted.queued)

	wrote, err := r.writeStatus(ctx, account, last, counted)
	if err != nil {
		r.remember(account, last) // also what was found of an earlier process
		return report.QuietConflict(err)
	}
	if wrote {
		last.wroteAt = now
	}
	r.remember(account, last)
	next := r.nextCheck(last, counted).Sub(now)
	if _, unnoted := r.Ledger.Unbooked(v1alpha1.IdentityOf(account), now.Truncate(time.Second)); unnoted || (!wrote && last.wroteAt.Add(CountEvery).After(now)) {
		next = min(next, last.wroteAt.Add(CountEvery).Sub(now))
	}
	return ctrl.Result{RequeueAfter: max(next, time.Second)}, nil
}

// due reports whether KIE.AI is to be asked about the account now.
func (r *Reconciler) due(account *v1alpha1.KieAccount, last check, counted counts, now time.Time) bool {
	if last.generation != account.Generation || !now.Before(r.nextCheck(last, counted)) {
		return true
	}
	refused, ok := r.Ledger.Refused(client.ObjectKeyFromObject(account))
	return ok && admission.Lasting(refused.Class) && !refused.At.Before(last.at)
}

func (r *Reconciler) nextCheck(last check, counted counts) time.Time {
	moved := counted.inFlight != last.counts.inFlight || counted.purchases != last.counts.purchases
	troubled := last.ready.Status != metav1.ConditionTrue && last.ready.Reason != v1alpha1.ReasonSuspended
	if counted.inFlight > 0 || counted.queued > 0 || moved || troubled {
		return last.at.Add(accounts.BalanceEveryBusy)
	}
	return last.at.Add(BalanceEvery)
}

// count sums up the VideoGenerations of the account, and books the purchases of
// an earlier process that it had not booked yet.
func (r *Reconciler) count(ctx context.Context, account *v1alpha1.KieAccount) (counts, error) {
	key := client.ObjectKeyFromObject(account)
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.MatchingFields{accounts.IndexAccount: key.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return counts{}, fmt.Errorf("listing the resources of the account: %w", err)
	}
	c := counts{unread: r.Ledger.Recover(account, view.Items)}
	for i := range view.Items {
		vg := &view.Items[i]
		switch {
		case state.IsQueued(vg):
			if !state.IsAccountSuspended(account) {
				c.queued++
			}
		case state.AtWork(vg):
			c.inFlight++
		}
		if vg.Status.Task != nil {
			c.purchases += int64(vg.Status.Task.Number)
		}
	}
	return c, nil
}

// writeStatus writes what is known of the account. Counts and balance alone are
// written at most every CountEvery.
func (r *Reconciler) writeStatus(ctx context.Context, account *v1alpha1.KieAccount, last check, counted counts) (bool, error) {
	before := account.DeepCopy()
	status := &account.Status
	state.SetConditions(&status.Conditions, []metav1.Condition{last.ready, r.callbacks(last)}, account.Generation, r.Clock.Now())
	status.ObservedGeneration = account.Generation
	urgent := !equality.Semantic.DeepEqual(before.Status, account.Status)

	status.InFlight, status.Queued = ptr.To(counted.inFlight), ptr.To(counted.queued)
	if last.credits != nil {
		status.Credits = last.credits.String()
	}
	identity, through := v1alpha1.IdentityOf(account), r.Clock.Now().Truncate(time.Second)
	spent, _ := r.Ledger.Unbooked(identity, through)
	// What cannot be added to the books now is added when they can be read.
	noted := counted.unread == nil && addSpending(account, spent, r.Clock.Now())
	switch {
	case equality.Semantic.DeepEqual(before.Status, account.Status):
		return false, nil
	case !urgent && last.wroteAt.Add(CountEvery).After(r.Clock.Now()):
		return false, nil
	}
	if noted {
		status.CreditsSpentThrough = ptr.To(metav1.NewTime(through))
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, account, patch); err != nil {
		return false, fmt.Errorf("writing the status of the account: %w", err)
	}
	if noted {
		r.Ledger.Booked(identity, through)
	}
	return true, nil
}

// addSpending adds what was spent without a budget, and begins a new period
// where the last one is over. With a budget, each purchase is written before it
// is made, and not here. It returns false, and does nothing, if the books cannot
// be read.
func addSpending(account *v1alpha1.KieAccount, spent credits.Amount, now time.Time) bool {
	return accounts.Enter(account, spent, false, now).Reason == ""
}

// callbacks says whether KIE.AI calls back for this account.
func (r *Reconciler) callbacks(last check) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionCallbacksEnabled, Status: metav1.ConditionTrue}
	switch {
	case r.CallbackBaseURL == "":
		c.Status, c.Reason = metav1.ConditionFalse, v1alpha1.ReasonPollingOnly
		c.Message = "the operator runs without --callback-base-url: results are learned by polling, and a purchase whose answer is lost cannot be recovered"
	case !last.keysKnown:
		c.Status, c.Reason = metav1.ConditionUnknown, v1alpha1.ReasonKeysUnknown
		c.Message = "the Secret could not be read so far, so no callback can be checked and none is accepted: see the Ready condition"
	case !last.signed:
		c.Reason = v1alpha1.ReasonUnsigned
		c.Message = "callbacks are accepted without a signature: create a webhook key at kie.ai/settings and put it into the Secret as " + v1alpha1.SecretKeyWebhookHMACKey
	default:
		c.Reason, c.Message = v1alpha1.ReasonSigned, "callbacks are accepted with a valid signature only"
	}
	return c
}

func (r *Reconciler) last(account *v1alpha1.KieAccount) check {
	last, _ := r.checks.Get(client.ObjectKeyFromObject(account), account.UID)
	return last
}

func (r *Reconciler) remember(account *v1alpha1.KieAccount, last check) {
	r.checks.Set(client.ObjectKeyFromObject(account), account.UID, last)
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.checks.Delete(key)
	r.Credentials.Invalidate(key)
	r.Ledger.ForgetAccount(key)
	r.Metrics.AccountGone(key)
}
