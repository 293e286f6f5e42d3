// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// recreateAccount deletes the account and creates it again: another one, with the
// same name and spec. It returns the identities of both.
func (w *world) recreateAccount() (earlier, now v1alpha1.AccountIdentity) {
	w.t.Helper()
	old := w.account()
	w.must(w.live.Delete(w.t.Context(), old))
	again := &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: old.Name}, Spec: old.Spec}
	w.must(w.live.Create(w.t.Context(), again))
	return v1alpha1.IdentityOf(old), v1alpha1.IdentityOf(again)
}

// wantSpent asserts what the books of the account say.
func (w *world) wantSpent(want string) {
	w.t.Helper()
	w.pass(2 * accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != want {
		w.t.Errorf("the books say %s credits, want %s", spent, want)
	}
}

// budgets are those with which, and without which, books are kept.
var budgets = map[string]*v1alpha1.Budget{"no budget": nil, "a budget": fixture.Budget("1000", 24*time.Hour)}

func suspended(yes bool) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(yes) }
}

// What waits to be bought names the account that is to buy it, and what is bought
// the one that has bought it.
func TestWhoseAResourceIs(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", suspended(true))
	w.settle()
	earlier, now := w.recreateAccount()
	if got := w.get("video").Status.Account; got != earlier {
		t.Errorf("it waits for %#v, want %#v", got, earlier)
	}
	w.settle()
	if got := w.get("video").Status.Account; got != now {
		t.Errorf("it waits for %#v, want %#v: the account was created again", got, now)
	}
	w.update("video", suspended(false))
	w.settle()
	w.recreateAccount()
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if vg.Status.Account != now || vg.Status.Task.Account != now {
		t.Errorf("it was bought by %#v, and names %#v and %#v", now, vg.Status.Account, vg.Status.Task.Account)
	}
	w.wantPaid(1)
}

// A purchase after a failure is that of the account which makes it, and the one
// before stays that of the earlier one, in whose place nothing is booked.
func TestAnotherTryOnAnAccountThatWasCreatedAgain(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.sim.SetFaults(kiesim.Faults{Fail: 501})
	w.create("video", maxAttempts(2))
	w.run(80 * time.Second)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
	w.sim.SetFaults(kiesim.Faults{})
	earlier, now := w.recreateAccount()
	w.settle()
	if vg := w.get("video"); vg.Status.Account != now || vg.Status.Task.Account != earlier {
		t.Errorf("it waits for %#v, and was bought by %#v; want %#v and %#v", vg.Status.Account, vg.Status.Task.Account, now, earlier)
	}
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if vg.Status.Task.Account != now || len(vg.Status.History) != 1 || vg.Status.History[0].Account != earlier {
		t.Errorf("the task is %+v after %+v", vg.Status.Task, vg.Status.History)
	}
	w.wantSpent("60")
}

// An informer that was cut off may see both as one change.
func TestADeletionAndACreationInOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", suspended(true))
	w.settle()
	before := w.account()
	after := before.DeepCopy()
	after.UID = "another"
	w.tell(w.proc, event.UpdateEvent{ObjectOld: before, ObjectNew: after})
	if due := w.proc.queue.due(); len(due) != 1 || due[0].Name != "video" {
		t.Errorf("looked at is %v, want the video that waits for the account", due)
	}
}

// Where KIE.AI does not know a task, it is said that its account was created
// again, if it was: the key may be that of somebody else.
func TestAnUnknownTaskOfAnAccountThatWasCreatedAgain(t *testing.T) {
	const says = "was created again since it bought the task"
	for name, tt := range map[string]struct {
		change []func(*v1alpha1.VideoGeneration)
		faults kiesim.Faults
		run    time.Duration
		status metav1.ConditionStatus
		reason string
	}{
		"while it is asked about": {[]func(*v1alpha1.VideoGeneration){prompt("[sim:latency=20m] [sim:record=data-null-after=2m-for=15m]")}, kiesim.Faults{},
			14 * time.Minute, metav1.ConditionUnknown, v1alpha1.ReasonGenerating},
		"when it is given up": {[]func(*v1alpha1.VideoGeneration){prompt("[sim:latency=2h] [sim:record=data-null-after=2m]")}, kiesim.Faults{},
			time.Hour, metav1.ConditionFalse, v1alpha1.ReasonTimedOut},
		"when it was taken over": {[]func(*v1alpha1.VideoGeneration){fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID)}, kiesim.Faults{},
			time.Hour, metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound},
		"when its callback names another": {nil, kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true},
			time.Hour, metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown},
	} {
		for _, again := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", and it is the same", true: ""}[again], func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				w.sim.SetFaults(tt.faults)
				w.create("video", tt.change...)
				w.pass(0)
				if tt.faults.NoCallback {
					w.callBack(w.get("video").Status.Task.Attempt, fixture.OtherTaskID)
				}
				if again {
					w.recreateAccount()
				}
				w.run(tt.run)
				vg := w.wantReady("video", tt.status, tt.reason)
				if message := vg.Status.Conditions[0].Message; strings.Contains(message, says) != again {
					t.Errorf("the account was created again: %v; it says %q", again, message)
				}
			})
		}
	}
}

// KIE.AI decides who continues a video, and it may know both accounts by one key.
func TestAnExtensionOfWhatAnEarlierAccountBought(t *testing.T) {
	for name, ref := range map[string]*v1alpha1.AccountReference{"by default": nil, "by name": {Name: v1alpha1.DefaultAccountName}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("part-1")
			w.run(time.Hour)
			earlier, now := w.recreateAccount()
			w.create("part-2", fixture.Extending("part-1"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.AccountRef = ref })
			w.run(time.Hour)
			vg := w.wantReady("part-2", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if vg.Status.Source.Account != earlier || vg.Status.Account != now {
				t.Errorf("the source is of %#v, the extension of %#v; want %#v and %#v", vg.Status.Source.Account, vg.Status.Account, earlier, now)
			}
			w.wantPaid(2)
		})
	}
}

// spend enters credits into the books of the account.
func (w *world) spend(identity v1alpha1.AccountIdentity, spent int64) {
	w.t.Helper()
	account := w.account()
	if account.Spec.Budget == nil {
		w.proc.videos.Ledger.Spend(identity, "", credits.Of(spent))
		return
	}
	before := account.DeepCopy()
	start, _ := accounts.PeriodOf(account, w.clock.Now())
	account.Status.CreditsSpent, account.Status.CreditsSpentSince = credits.Of(spent).String(), ptr.To(metav1.NewTime(start))
	w.must(w.live.Status().Patch(w.t.Context(), account, client.MergeFrom(before)))
}

// A purchase that came to nothing is not given back to an account that has not
// made it.
func TestARefundAfterTheAccountWasCreatedAgain(t *testing.T) {
	for name, withBudget := range budgets {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: withBudget})
			w.beginPeriod()
			w.settle()
			w.after(1, func() { // when the intent is written
				_, now := w.recreateAccount()
				w.proc.videos.Ledger.Identify(now)
				w.spend(now, 100)
			})
			w.create("refused", prompt("[sim:submit=422]"))
			w.run(10 * time.Minute)
			w.wantReady("refused", metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest)
			w.wantSpent("100")
		})
	}
}

// What a purchase turns out to have cost is not booked on an account that has not
// made it.
func TestThePriceDiffersAfterTheAccountWasCreatedAgain(t *testing.T) {
	for name, withBudget := range budgets {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: withBudget})
			w.beginPeriod()
			w.create("video", prompt("[sim:credits-consumed=90]"))
			w.pass(0)
			w.recreateAccount()
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantSpent("0")
		})
	}
}

// A purchase that was refused and made all the same is booked on the account that
// has made it.
func TestRefusedAndMadeBeforeTheAccountWasCreatedAgain(t *testing.T) {
	for name, withBudget := range budgets {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: withBudget})
			w.beginPeriod()
			w.answerPurchase(1, madeAnd, "application/json", http.StatusOK, `{"code":429,"msg":"not now","data":null}`)
			w.create("video")
			w.pass(0)
			w.update("video", suspended(true))
			earlier, _ := w.recreateAccount()
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if vg.Status.Account != earlier || vg.Status.Task.Account != earlier {
				t.Errorf("it is of %#v and %#v, want %#v", vg.Status.Account, vg.Status.Task.Account, earlier)
			}
			w.wantSpent("0")
		})
	}
}

// Another process does not take what an earlier account has bought for what the
// new one has, whatever the clocks say.
func TestAnotherProcessAfterTheAccountWasCreatedAgain(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.create("video")
	w.pass(0)
	w.recreateAccount()
	w.restart()
	w.create("another")
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantSpent("60")
}

// A status that was emptied gets the account back with the purchase.
func TestWhoseAnEmptiedResourceIs(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.pass(0)
	before := w.get("video").Status
	w.recreateAccount()
	w.emptyStatus("video")
	w.settle()
	vg := w.get("video")
	if vg.Status.Account != before.Account || vg.Status.Task.Account != before.Account || vg.Status.Task.API != v1alpha1.TaskAPIVeo {
		t.Errorf("it is of %#v, its task is %+v", vg.Status.Account, vg.Status.Task)
	}
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}
