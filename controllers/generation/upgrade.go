// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// pollUpgradeEvery is how often KIE.AI is asked for the larger version of a
// video. Asking is what starts it, and what tells that it is there.
const pollUpgradeEvery = 30 * time.Second

// upgrade gets the larger version of a finished video. KIE.AI makes and charges
// it once however often it is asked for, so there is no intent to be kept here:
// what is written before the first question is for people, and for the callback
// to be known by.
//
// When it lets the next step go on, there is nothing to upgrade, or the status
// says how far the upgrade is and l.requeueAt when to ask again. The video from
// which it is made stays in the status, whatever comes of it.
func (r *Reconciler) upgrade(ctx context.Context, l *scope) (bool, error) {
	if !state.UpgradePending(l.vg) {
		return false, nil
	}
	if task := l.vg.Status.Task; state.IsOfUnknownAPI(task) {
		l.wait = state.UnknownAPI(task)
		return false, nil // the video that is there is stored all the same
	}
	if state.IsSuspended(l.vg) && !state.UpgradeBegun(l.vg) {
		l.wait = state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: "spec.suspend holds the upgrade back; the 720p video is in status.videos"}
		return false, nil
	}
	if state.IsAccountSuspended(l.asks) && !state.UpgradeBegun(l.vg) {
		l.wait = state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: fmt.Sprintf(
			"KieAccount %s is suspended: its spec.suspend holds the upgrade back; the 720p video is in status.videos", client.ObjectKeyFromObject(l.asks))}
		return false, nil
	}
	if begun, err := r.beginUpgrade(ctx, l); !begun || err != nil {
		return err != nil, err // the video that is there is stored all the same
	}
	now, up := r.Clock.Now(), l.vg.Status.Upgrade
	end := up.SubmittedAt.Add(state.TimeoutOf(l.vg))
	if state.UpgradeCalledBack(l.vg) && l.vg.Status.Callback.ReceivedAt.After(end) {
		end = l.vg.Status.Callback.ReceivedAt.Add(state.CallbackFollowed) // its answer may be later than the callback
	}
	s := state.Schedule{Start: up.SubmittedAt.Time, Every: r.upgradeEvery(l.vg)}
	if !l.known.task.due(now, turn{schedule: s, since: l.known.since, end: end, receipt: l.upgradeReceipt()}) {
		l.wait = l.known.task.trouble
	} else if err := r.askForUpgrade(ctx, l); err != nil {
		return true, err
	}
	if up.State != v1alpha1.UpgradeRunning {
		return false, nil
	}
	switch now = r.Clock.Now(); {
	case l.known.task.troubledSince.IsZero(), now.Before(l.vg.Status.Task.SubmittedAt.Add(state.VideoLifetime)):
	default:
		l.wait = state.Wait{}
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, "KIE.AI did not say within 14 days what became of it, and does not know the video any longer", now)
		return false, nil
	}
	if !now.Before(end) && !l.known.task.answeredAt.Before(end) {
		l.wait = state.Wait{}
		state.EndUpgrade(up, v1alpha1.ReasonTimedOut, fmt.Sprintf("KIE.AI did not finish the %s version within spec.timeout: raise spec.timeout to look again", up.Resolution), now)
		return false, nil
	}
	l.requeueBy(s.Next(now))
	l.requeueBy(l.known.task.askAt)
	if now.Before(end) {
		l.requeueBy(end)
	}
	return false, nil
}

// beginUpgrade makes the status say that the upgrade is on its way, and stores
// that before KIE.AI is asked. If it has not begun, it has ended already, or
// l.wait says what it waits for.
func (r *Reconciler) beginUpgrade(ctx context.Context, l *scope) (begun bool, err error) {
	now, up := r.Clock.Now(), l.vg.Status.Upgrade
	switch {
	case up != nil && up.State == v1alpha1.UpgradeRunning:
		return true, nil
	case up != nil && state.UpgradeRevived(l.vg):
		up.State, up.Failure, up.CompletedAt = v1alpha1.UpgradeRunning, nil, nil
		l.known.task.askAt = now
		return true, nil
	}
	up = &v1alpha1.Upgrade{
		Resolution: l.vg.Spec.Resolution, Attempt: attempts.New(), SubmittedAt: metav1.NewTime(now).Rfc3339Copy(), State: v1alpha1.UpgradeRunning,
	}
	if why := r.product.neverEnlarged(l.vg); why != "" {
		l.vg.Status.Upgrade = up
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, why, now)
		return false, nil
	}
	// The purchase of the task has paid for the upgrade, unless the task was taken over.
	prices, err := accounts.Readable(l.asks, now)
	if err != nil {
		l.wait = accounts.Unreadable(l.asks, err)
		return false, nil
	}
	price, priced := r.product.upgradePrice(l.vg, prices)
	if !priced {
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPriceUnknown, Message: fmt.Sprintf(
			"there is no price for the %s version, and nothing is bought without one; the 720p video is in status.videos", up.Resolution)}
		return false, nil
	}
	if !state.IsAdopted(l.vg.Status.Task) || l.vg.Status.Upgrade != nil {
		price = credits.Amount{}
	}
	c, w, err := r.charge(ctx, l.asks, up.Attempt, price)
	if err != nil || w.Reason != "" {
		l.wait = w
		return false, err
	}
	if !price.IsZero() {
		up.SubmittedAt = r.submittedAt(&c)
	}
	l.vg.Status.Upgrade = up
	l.known.task.startOver()
	l.known.task.askAt = now
	l.summarize(now)
	if err := r.writeStatus(ctx, l); err != nil {
		return false, errors.Join(err, r.refund(ctx, c))
	}
	return true, nil
}

// upgradeEvery is how often to ask for an upgrade: less often where KIE.AI calls back.
func (r *Reconciler) upgradeEvery(vg *v1alpha1.VideoGeneration) time.Duration {
	if r.CallbackBaseURL != "" && vg.Status.Upgrade.Resolution == v1alpha1.Resolution4K && !state.UpgradeCalledBack(vg) {
		return state.PollEveryWithCallbacks
	}
	return pollUpgradeEvery
}

// upgradeReceipt is the callback about the upgrade, nil if there is none.
func (l *scope) upgradeReceipt() *v1alpha1.CallbackReceipt {
	if !state.UpgradeCalledBack(l.vg) {
		return nil
	}
	return l.vg.Status.Callback
}

// askForUpgrade asks KIE.AI for the larger version of each video of the task,
// and writes the answer into the status.
func (r *Reconciler) askForUpgrade(ctx context.Context, l *scope) error {
	var answer kie.Upgrade
	reply, err := r.question(ctx, l.asks, func(ctx context.Context, at kie.Endpoint) (err error) {
		answer, err = r.product.enlarge(ctx, r.KIE, at, l.vg, r.callbackURL(l.vg.Status.Upgrade.Attempt))
		return err
	})
	if err != nil {
		return err
	}
	now, up := r.Clock.Now(), l.vg.Status.Upgrade
	if !reply.answered() {
		l.troubled(&l.known.task.conversation, now, r.unansweredUpgrade(l, reply))
		return nil
	}
	l.heard = true
	l.known.task.answered(now, l.upgradeReceipt())
	switch {
	case answer.State == kie.UpgradeImpossible && !l.known.task.confirmed(now):
		// Directly after the success of the source, KIE.AI may say so too early.
		l.known.task.askAt = now.Add(pollUpgradeEvery)
		return nil
	case answer.State == kie.UpgradeImpossible:
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, state.Saying(answer.Message, fmt.Sprintf("KIE.AI cannot make the %s version", up.Resolution)), now)
	case answer.State == kie.UpgradeReady:
		larger := make([]v1alpha1.Video, len(answer.ResultURLs))
		for i, url := range answer.ResultURLs {
			larger[i] = v1alpha1.Video{URL: url, Resolution: string(up.Resolution), ExpiresAt: l.vg.Status.Videos[0].ExpiresAt}
		}
		r.probe(ctx, larger)
		l.vg.Status.Videos = state.FirstVideos(slices.Concat(larger, l.vg.Status.Videos))
		up.State = v1alpha1.UpgradeSucceeded
		prices, _ := accounts.PricesOf(l.asks) // none, if one cannot be read: then it is not said
		if price, ok := r.product.upgradePrice(l.vg, prices); ok {
			up.CreditsConsumed = price.String()
		}
		up.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
	default:
	}
	if answer.TaskID != "" && answer.TaskID != l.vg.Status.Task.ID {
		up.ID = answer.TaskID // a callback without an id may be signed for it
	}
	l.known.task.doubtedSince = time.Time{}
	return nil
}

// unansweredUpgrade is what the next question about the upgrade waits for.
func (r *Reconciler) unansweredUpgrade(l *scope, without reply) state.Wait {
	switch refusal := without.refusal; {
	case refusal == nil:
		return without.unasked
	case refusal.Class == kie.InsufficientCredits:
		// It is this upgrade that the balance does not cover; something cheaper may be bought all the same.
		r.CheckAccount(client.ObjectKeyFromObject(l.asks))
		w := admission.WaitingFor(refusal.Class, l.asks)
		w.RetryAfter = state.PollEveryWithCallbacks
		return w
	case state.FailureReasons[refusal.Class] != "":
		return r.refusedQuestion(l.asks, l.vg.UID, kie.Unavailable, without.apiKey) // it says nothing of this video
	default:
		return r.refusedQuestion(l.asks, l.vg.UID, refusal.Class, without.apiKey)
	}
}
