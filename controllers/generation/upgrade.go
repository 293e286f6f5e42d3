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
	"github.com/kie-operator/kie-operator/internal/kie/veo"
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
	if state.IsAccountSuspended(l.account) && !state.UpgradeBegun(l.vg) {
		l.wait = state.Wait{Kind: state.Held, Reason: v1alpha1.ReasonSuspended, Message: fmt.Sprintf(
			"KieAccount %s is suspended: its spec.suspend holds the upgrade back; the 720p video is in status.videos", client.ObjectKeyFromObject(l.account))}
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
	if !l.upgradeDue(now, s, end) {
		l.wait = l.known.trouble
	} else if err := r.askForUpgrade(ctx, l); err != nil {
		return true, err
	}
	if up.State != v1alpha1.UpgradeRunning {
		return false, nil
	}
	switch now = r.Clock.Now(); {
	case l.known.troubledSince.IsZero(), now.Before(l.vg.Status.Task.SubmittedAt.Add(state.VideoLifetime)):
	default:
		l.wait = state.Wait{}
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, "KIE.AI did not say within 14 days what became of it, and does not know the video any longer", now)
		return false, nil
	}
	if !now.Before(end) && !l.known.answeredAt.Before(end) {
		l.wait = state.Wait{}
		state.EndUpgrade(up, v1alpha1.ReasonTimedOut, fmt.Sprintf("KIE.AI did not finish the %s version within spec.timeout: raise spec.timeout to look again", up.Resolution), now)
		return false, nil
	}
	l.requeueBy(s.Next(now))
	l.requeueBy(l.known.askAt)
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
		l.known.askAt = now
		return true, nil
	}
	up = &v1alpha1.Upgrade{
		Resolution: l.vg.Spec.Resolution, Attempt: attempts.New(), SubmittedAt: metav1.NewTime(now).Rfc3339Copy(), State: v1alpha1.UpgradeRunning,
	}
	if ptr.Deref(l.vg.Status.FallbackUsed, false) {
		l.vg.Status.Upgrade = up
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, "KIE.AI made the video with its fallback model, and does not enlarge those; it was not asked to", now)
		return false, nil
	}
	// The purchase of the task has paid for the upgrade, unless the task was taken over.
	prices, err := accounts.Readable(l.account, now)
	if err != nil {
		l.wait = accounts.Unreadable(l.account, err)
		return false, nil
	}
	price, priced := accounts.UpgradePrice(l.vg, prices)
	if !priced {
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonPriceUnknown, Message: fmt.Sprintf(
			"there is no price for the %s version, and nothing is bought without one; the 720p video is in status.videos", up.Resolution)}
		return false, nil
	}
	if !state.IsAdopted(l.vg.Status.Task) || l.vg.Status.Upgrade != nil {
		price = credits.Amount{}
	}
	if ok, err := r.charge(ctx, l, price); err != nil || !ok {
		return false, err
	}
	if !price.IsZero() {
		up.SubmittedAt = r.submittedAt(l, up.Attempt, price)
	}
	l.vg.Status.Upgrade = up
	l.known.startOver()
	l.known.askAt = now
	l.summarize(now)
	if err := r.writeStatus(ctx, l); err != nil {
		return false, errors.Join(err, r.refund(ctx, l, up.Attempt, price))
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

// upgradeDue reports whether it is time to ask for the upgrade.
func (l *scope) upgradeDue(now time.Time, s state.Schedule, end time.Time) bool {
	known := l.known
	if !known.askAt.IsZero() {
		return !known.askAt.After(now)
	}
	if state.UpgradeCalledBack(l.vg) && !known.callback.Equal(&l.vg.Status.Callback.ReceivedAt) {
		return true
	}
	last := known.since
	if known.answeredAt.After(last) {
		last = known.answeredAt
	}
	return !s.Next(last).After(now) || (!now.Before(end) && known.answeredAt.Before(end))
}

// askForUpgrade asks KIE.AI for the larger version of each video of the task,
// and writes the answer into the status.
func (r *Reconciler) askForUpgrade(ctx context.Context, l *scope) error {
	answer, ok, err := r.questionUpgrade(ctx, l)
	if err != nil {
		return err
	}
	now, up := r.Clock.Now(), l.vg.Status.Upgrade
	l.recordTrouble(ok, now)
	if !ok {
		return nil
	}
	l.asked = true
	l.known.answeredAt, l.known.askAt = now, time.Time{}
	if state.UpgradeCalledBack(l.vg) {
		l.known.callback = l.vg.Status.Callback.ReceivedAt
	}
	switch {
	case answer.State == veo.UpgradeImpossible && !l.confirmed(now):
		// Directly after the success of the source, KIE.AI may say so too early.
		l.known.askAt = now.Add(pollUpgradeEvery)
		return nil
	case answer.State == veo.UpgradeImpossible:
		state.EndUpgrade(up, v1alpha1.ReasonUpgradeFailed, state.Saying(answer.Message, fmt.Sprintf("KIE.AI cannot make the %s version", up.Resolution)), now)
	case answer.State == veo.UpgradeReady:
		larger := make([]v1alpha1.Video, len(answer.ResultURLs))
		for i, url := range answer.ResultURLs {
			larger[i] = v1alpha1.Video{URL: url, Resolution: string(up.Resolution), ExpiresAt: l.vg.Status.Videos[0].ExpiresAt}
		}
		r.probe(ctx, larger)
		l.vg.Status.Videos = state.FirstVideos(slices.Concat(larger, l.vg.Status.Videos))
		up.State = v1alpha1.UpgradeSucceeded
		prices, _ := accounts.PricesOf(l.account) // none, if one cannot be read: then it is not said
		if price, ok := accounts.UpgradePrice(l.vg, prices); ok {
			up.CreditsConsumed = price.String()
		}
		up.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
	default:
	}
	if answer.TaskID != "" && answer.TaskID != l.vg.Status.Task.ID {
		up.ID = answer.TaskID // a callback without an id may be signed for it
	}
	l.known.doubtedSince = time.Time{}
	return nil
}

// questionUpgrade asks once for each video that the task has made. The answer is
// ready when all of them are. Not ok means that there was no answer that says
// something of the upgrade; l.wait then says why.
func (r *Reconciler) questionUpgrade(ctx context.Context, l *scope) (answer veo.Upgrade, ok bool, err error) {
	secrets, err := r.Credentials.Get(ctx, l.account)
	if err != nil {
		_, err = r.withoutCredentials(l, err)
		return veo.Upgrade{}, false, err
	}
	endpoint := accounts.Endpoint(l.account, secrets.APIKey)
	task, up := l.vg.Status.Task, l.vg.Status.Upgrade
	var urls []string
	for _, video := range l.vg.Status.Videos {
		index := int(video.Index)
		if up.Resolution == v1alpha1.Resolution4K {
			answer, err = veo.Upgrade4K(ctx, r.KIE, endpoint, veo.Upgrade4KRequest{TaskID: task.ID, Index: index, CallbackURL: r.callbackURL(up.Attempt)})
		} else {
			answer, err = veo.Upgrade1080p(ctx, r.KIE, endpoint, task.ID, index)
		}
		var refusal *kie.Error
		switch {
		case ctx.Err() != nil:
			return veo.Upgrade{}, false, ctx.Err()
		case errors.As(err, &refusal):
			if refusal.Class == kie.InsufficientCredits {
				// It is this upgrade that the balance does not cover; something cheaper may be bought all the same.
				r.CheckAccount(client.ObjectKeyFromObject(l.account))
				l.wait = admission.WaitingFor(refusal.Class, l.account)
				l.wait.RetryAfter = state.PollEveryWithCallbacks
				return veo.Upgrade{}, false, nil
			}
			if state.FailureReasons[refusal.Class] != "" {
				refusal.Class = kie.Unavailable // it says nothing of this video
			}
			l.wait = r.refuse(l, refusal.Class, secrets.APIKey, false)
			return veo.Upgrade{}, false, nil
		case err != nil:
			return veo.Upgrade{}, false, err
		case answer.State != veo.UpgradeReady:
			return answer, true, nil
		}
		urls = append(urls, answer.ResultURLs...)
	}
	answer.ResultURLs = urls
	return answer, true, nil
}
