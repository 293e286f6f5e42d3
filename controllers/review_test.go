// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

// staleClient shows one VideoGeneration as it was.
type staleClient struct {
	client.Client
	was *v1alpha1.VideoGeneration
}

// Get reads from the past.
func (c staleClient) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if vg, ok := obj.(*v1alpha1.VideoGeneration); ok {
		c.was.DeepCopyInto(vg)
		return nil
	}
	return c.Client.Get(ctx, key, obj, opts...)
}

// The id of a second purchase is in memory only while the cache still shows the
// first one: what is paid for is not forgotten on the word of an old view.
func TestAStaleViewDoesNotForgetAPurchase(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2, noCallbacks: true})
	w.sim.SetFaults(kiesim.Faults{Fail: 501})
	w.create("video", maxAttempts(2))
	w.run(100 * time.Second)
	first := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
	w.sim.SetFaults(kiesim.Faults{})
	w.clock.SetTime(state.RetryAt(first.Status.Task))
	w.downFrom(int(w.faults.writes.Load()) + 2)
	w.round()
	w.wantPaid(2)

	fresh := w.proc.videos.Client
	w.proc.videos.Client = staleClient{fresh, first}
	if _, err := w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(first)}); err != nil {
		t.Fatal(err)
	}
	w.proc.videos.Client = fresh
	w.mend()
	w.run(2 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}

// The id of a purchase is in memory only when its resource is replaced by another
// one of the same name: it does not go to the stranger, who buys a video of its own.
func TestAnotherResourceOfTheNameBuysItsOwn(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	first := w.create("video")
	w.downFrom(2)
	w.round()
	w.wantPaid(1)
	if id := w.get("video").Status.Task.ID; id != "" {
		t.Fatalf("the task id %s was written", id)
	}
	w.must(w.live.Delete(t.Context(), first))
	w.mend()
	w.create("video")
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	tasks := w.sim.State().Tasks
	if len(tasks) != 2 || vg.Status.Task.ID != tasks[1].ID {
		t.Errorf("the resource has task %s of %+v, want the one that was bought for it", vg.Status.Task.ID, tasks)
	}
}

// A user asks to buy again on another account what was lost on the first one,
// whose callback is there: nothing has to be bought, and nothing is asked of
// the account that does not know the task.
func TestResubmitOnAnotherAccount(t *testing.T) {
	for name, suspended := range map[string]bool{"at once": false, "held back": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now})
			w.secondAccount("other", other)
			w.create("video", prompt("[sim:accept-then=drop] [sim:latency=40m]"))
			w.run(35 * time.Minute)
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			task := w.sim.State().Tasks[0]
			w.clock.SetTime(task.CreatedAt.Add(41 * time.Minute))
			w.sim.Deliver(t.Context())
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				fixture.Resubmit(vg)
				vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
				vg.Spec.Suspend = ptr.To(suspended)
			})
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if paid := len(other.State().Tasks); paid != 0 || vg.Status.Task.ID != task.ID || vg.Status.Account.String() != w.namespace+"/default" {
				t.Errorf("%d tasks were paid for on the other account; the resource has task %s of %s", paid, vg.Status.Task.ID, vg.Status.Account)
			}
		})
	}
	t.Run("which has to buy it", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now, Latency: time.Minute})
		w.secondAccount("other", other)
		w.create("video", prompt("[sim:accept-then=drop] [sim:callback=never]"))
		w.run(35 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
		w.update("video", func(vg *v1alpha1.VideoGeneration) {
			fixture.Resubmit(vg)
			vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
		})
		w.run(time.Hour)
		vg := w.get("video")
		if paid := len(other.State().Tasks); paid != 1 || vg.Status.Account.String() != w.namespace+"/other" || vg.Status.Task.Number != 2 {
			t.Errorf("%d tasks were paid for on the other account; the resource is at %s with purchase %d", paid, vg.Status.Account, vg.Status.Task.Number)
		}
	})
}

// secondAccount makes another account, of another simulated KIE.AI, that is
// known to be able to buy.
func (w *world) secondAccount(name string, sim *kiesim.Simulator) {
	w.t.Helper()
	account := &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.KieAccountSpec{
			CredentialsSecretRef: v1alpha1.SecretReference{Name: "kie-credentials"}, BaseURL: newSimServer(w.t, sim),
		},
	}
	w.must(w.live.Create(w.t.Context(), account))
	w.sync()
	_, err := w.proc.accounts.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(account)})
	w.must(err)
}

// A late callback is followed for a while: KIE.AI's record may be later still.
func TestALateCallbackBeforeItsRecord(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=45m]"))
	w.run(44 * time.Minute)
	vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.clock.SetTime(vg.Status.Task.SubmittedAt.Add(44*time.Minute + 30*time.Second))
	w.callBack(vg.Status.Task.Attempt, vg.Status.Task.ID)
	w.run(9 * time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// An upgrade that the balance does not cover keeps nobody else from buying.
func TestAnUpgradeShortOfCreditsBlocksNobody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("big", fixture.In(v1alpha1.Resolution4K))
	w.run(30 * time.Second)
	w.sim.SetCredits(70)
	w.run(5 * time.Minute)
	w.wantReady("big", metav1.ConditionUnknown, "InsufficientCredits")
	w.create("small")
	w.run(10 * time.Minute)
	w.wantReady("small", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.sim.SetCredits(1000)
	w.run(time.Hour)
	w.wantReady("big", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// The credits for upgrades that are still to be asked for are not sold to others.
func TestCreditsForUpgradesAreKept(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sim.SetCredits(200)
	w.create("big", fixture.In(v1alpha1.Resolution4K))
	w.run(30 * time.Second)
	w.create("small")
	w.run(time.Hour)
	w.wantReady("big", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("small", metav1.ConditionUnknown, "InsufficientCredits")
}

// Fresh links that come for one video only are no reason to ask without a pause.
func TestLinksForSomeVideosOnly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", fixture.In(v1alpha1.Resolution1080p))
	w.run(time.Hour)
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Videos[1].URL = "https://elsewhere.example/v.mp4"
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationRefreshLinks, "1")
	})
	writes := w.faults.writes.Load()
	w.run(time.Hour)
	if n := w.faults.writes.Load() - writes; n != 1 {
		t.Errorf("the status was written %d times, want once", n)
	}
	if asked := w.sim.State().Requests["download-url"]; asked != 2 {
		t.Errorf("KIE.AI was asked %d times, want once for each video", asked)
	}
}

// noNamespaces is a cache that has no namespace yet.
type noNamespaces struct{ client.Client }

// Get finds nothing.
func (noNamespaces) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "new")
}

// A namespace that the cache does not have yet is asked for again.
func TestANamespaceThatTheCacheDoesNotHave(t *testing.T) {
	account := &v1alpha1.KieAccount{Spec: v1alpha1.KieAccountSpec{AllowedNamespaces: v1alpha1.AllowedNamespaces{
		From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "film"}},
	}}}
	allowed, err := accounts.Allows(t.Context(), noNamespaces{}, account, corev1.NamespaceDefault)
	if allowed || err != nil {
		t.Errorf("allowed is %v, %v; want not yet", allowed, err)
	}
}

// An extension that took a task over which does not exist can be bought.
func TestAnAdoptedExtensionIsResubmitted(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("source")
	w.run(time.Hour)
	w.create("video", fixture.Extending("source"), fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		delete(vg.Annotations, v1alpha1.AnnotationAdoptTaskID)
		fixture.Resubmit(vg)
	})
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}
