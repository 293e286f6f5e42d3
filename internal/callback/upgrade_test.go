// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

// upgradeTask is how KIE.AI may call an upgrade.
const upgradeTask = "2c77e0b15d9a4f36b8e1a0c4d5f60718"

func upgrading(change func(*v1alpha1.Upgrade)) func(*v1alpha1.VideoGenerationStatus) {
	return func(s *v1alpha1.VideoGenerationStatus) {
		s.Task.State = v1alpha1.TaskSucceeded
		s.Upgrade = &v1alpha1.Upgrade{
			Resolution: v1alpha1.Resolution4K, Attempt: attempts.New(), SubmittedAt: metav1.NewTime(now.Add(-time.Minute)), State: v1alpha1.UpgradeRunning,
		}
		if change != nil {
			change(s.Upgrade)
		}
	}
}

// A callback about an upgrade comes under the attempt of the upgrade, with
// whichever id KIE.AI gives to it, or without one.
func TestCallbacksAboutUpgrades(t *testing.T) {
	const nameless500 = `{"code":500,"msg":"The 4K version of this video is unavailable. Please try a different video.","data":null}`
	w := newWorld(t)
	r := w.newReplica(t, nil)
	for name, tc := range map[string]struct {
		change func(*v1alpha1.Upgrade)
		// signedID and bodyID are the task in the signature and in the body.
		signedID, bodyID string
		body             string
		want             *outcome
		mailbox          string
	}{
		"named-by-the-task":      {signedID: paidTask, bodyID: paidTask, want: accepted, mailbox: paidTask},
		"named-by-itself":        {signedID: upgradeTask, bodyID: upgradeTask, want: accepted, mailbox: upgradeTask},
		"named-twice":            {signedID: paidTask, body: `{"taskId":"` + upgradeTask + `","data":{"taskId":"` + paidTask + `"}}`, want: malformed},
		"signed-for-another":     {signedID: paidTask, bodyID: upgradeTask, want: badSignature},
		"nameless":               {signedID: paidTask, body: nameless500, want: accepted, mailbox: paidTask},
		"nameless-known-id":      {change: func(u *v1alpha1.Upgrade) { u.ID = upgradeTask }, signedID: upgradeTask, body: nameless500, want: accepted, mailbox: upgradeTask},
		"nameless-base-id":       {change: func(u *v1alpha1.Upgrade) { u.ID = upgradeTask }, signedID: paidTask, body: nameless500, want: accepted, mailbox: paidTask},
		"nameless-badly-signed":  {signedID: upgradeTask, body: nameless500, want: badSignature},
		"after-success":          {change: func(u *v1alpha1.Upgrade) { u.State = v1alpha1.UpgradeSucceeded }, signedID: paidTask, bodyID: paidTask, want: settled},
		"after-failure":          {change: failedUpgrade(v1alpha1.ReasonUpgradeFailed), signedID: paidTask, bodyID: paidTask, want: settled},
		"after-it-was-given-up":  {change: failedUpgrade(v1alpha1.ReasonTimedOut), signedID: paidTask, bodyID: paidTask, want: accepted, mailbox: paidTask},
		"nameless-after-success": {change: func(u *v1alpha1.Upgrade) { u.State = v1alpha1.UpgradeSucceeded }, signedID: paidTask, body: nameless500, want: settled},
	} {
		t.Run(name, func(t *testing.T) {
			vg := w.submit(t, name, upgrading(tc.change))
			r.sees(t, w, vg)
			body := tc.body
			if body == "" {
				body = bodyFor(tc.bodyID)
			}
			request := call(vg).at(attempts.PathPrefix + vg.Status.Upgrade.Attempt).withHeaders(signed(hmacKey, tc.signedID, now)...).withBody(body)
			r.expect(t, request.String(), tc.want)
			got := w.get(t, vg).Status.Callback
			switch {
			case tc.mailbox == "" && got != nil:
				t.Errorf("the mailbox has %+v, want nothing", got)
			case tc.mailbox != "" && (got == nil || got.TaskID != tc.mailbox || got.Attempt != vg.Status.Upgrade.Attempt):
				t.Errorf("the mailbox has %+v, want task %s of the upgrade", got, tc.mailbox)
			}
		})
	}
}

// A callback without a task is nothing where a task is bought.
func TestANamelessCallbackAboutATask(t *testing.T) {
	w, r, vg := start(t, upgrading(nil))
	r.expect(t, call(vg).withBody(`{"code":500,"data":null}`).String(), nameless)
	if got := w.get(t, vg).Status.Callback; got != nil {
		t.Errorf("the mailbox has %+v, want nothing", got)
	}
}

func failedUpgrade(reason string) func(*v1alpha1.Upgrade) {
	return func(u *v1alpha1.Upgrade) {
		u.State, u.Failure = v1alpha1.UpgradeFailed, &v1alpha1.TaskFailure{Reason: reason}
	}
}
